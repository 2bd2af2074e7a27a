namespace Emu3.Inference.Vision;

/// <summary>
/// What the engine asks of a vision tokenizer. There are two: our own kernels on the processor, and TorchSharp on other devices. All members are called on
/// the engine's thread.
/// </summary>
internal interface IVisionTokenizer : IDisposable
{
    /// <summary>Resizes and normalises a picture, and encodes it.</summary>
    /// <exception cref="PictureException">The shape is refused.</exception>
    LatentCodes EncodeStill(Picture picture);

    /// <summary>Begins to decode a still; the layers that take long run in <see cref="IStillDecoding.Advance"/>.</summary>
    /// <param name="codes">Indices into the codebook, row by row.</param>
    /// <param name="height">Rows of cells.</param>
    /// <param name="width">Cells in a row.</param>
    /// <exception cref="ArgumentException">The number of codes is another, or a code is not in the codebook.</exception>
    IStillDecoding BeginStill(ReadOnlySpan<int> codes, int height, int width);
}

/// <summary>One still on its way from codes to pixels, in pieces of one layer, so that an engine can decode between its steps.</summary>
internal interface IStillDecoding : IDisposable
{
    /// <summary>Runs the next piece.</summary>
    /// <returns>True when the picture is there.</returns>
    bool Advance();

    /// <summary>The picture, once <see cref="Advance"/> has returned true.</summary>
    Picture Picture { get; }
}
