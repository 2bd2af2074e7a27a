using Emu3.Inference.Cpu;

namespace Emu3.Tests.Unit.Inference.Cpu;

/// <summary>Random numbers in memory that kernels can take.</summary>
internal static class Floats
{
    public static NativeFloats Random(Random random, long count, float spread = 1)
    {
        var floats = new NativeFloats(count);
        foreach (ref var value in floats.Span)
            value = (random.NextSingle() * 2 - 1) * spread;
        return floats;
    }

    /// <summary>Bits, so that a not-a-number equals itself and zeros differ by sign.</summary>
    public static int[] Bits(ReadOnlySpan<float> values)
    {
        var bits = new int[values.Length];
        for (var i = 0; i < bits.Length; i++)
            bits[i] = BitConverter.SingleToInt32Bits(values[i]);
        return bits;
    }
}
