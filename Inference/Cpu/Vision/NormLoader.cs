namespace Emu3.Inference.Cpu.Vision;

/// <summary>Makes a norm: the encoder's or the decoder's.</summary>
/// <param name="name">In the checkpoint.</param>
/// <param name="channels">Of its pictures.</param>
internal delegate CpuNorm NormLoader(string name, int channels);
