using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Inference.Cpu;

/// <summary>
/// Cosines and sines of the rotary position embedding (Su et al., arXiv 2104.09864), rounded where the reference rounds: inverse frequency and angle to
/// float32, then each function once.
/// </summary>
internal sealed unsafe class RotaryTable : IDisposable
{
    private readonly NativeFloats cosines; // [positions, half]
    private readonly NativeFloats sines; // [positions, half]
    private readonly int half;

    /// <param name="positions">How many.</param>
    /// <param name="headDim">Even.</param>
    /// <param name="theta">Base of the frequencies.</param>
    public RotaryTable(int positions, int headDim, double theta)
    {
        half = headDim / 2;
        (cosines, sines) = (new NativeFloats((long)positions * half), new NativeFloats((long)positions * half));
        var logarithm = DoubleFunctions.Log((float)theta);
        for (var i = 0; i < half; i++)
        {
            var inverse = 1f / (float)DoubleFunctions.Exp(2f * i / headDim * logarithm);
            for (var position = 0; position < positions; position++)
                (sines.Address[(nint)position * half + i], cosines.Address[(nint)position * half + i]) = DoubleFunctions.SinCos(position * inverse);
        }
    }

    /// <summary>Bytes of both tables.</summary>
    public static long Bytes(int positions, int headDim) => (long)positions * headDim * sizeof(float);

    /// <summary>[half]</summary>
    public float* Cosine(int position) => cosines.Address + (nint)position * half;

    /// <summary>[half]</summary>
    public float* Sine(int position) => sines.Address + (nint)position * half;

    public void Dispose()
    {
        cosines.Dispose();
        sines.Dispose();
    }
}
