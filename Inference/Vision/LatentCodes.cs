namespace Emu3.Inference.Vision;

/// <summary>A picture or clip as indices into the codebook.</summary>
/// <param name="Frames">Latent frames: 1 for a still.</param>
/// <param name="Height">Rows of cells.</param>
/// <param name="Width">Cells in a row.</param>
/// <param name="Codes">Frame by frame, row by row.</param>
public sealed record LatentCodes(int Frames, int Height, int Width, int[] Codes);
