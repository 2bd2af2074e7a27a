namespace Emu3.Inference.Cpu;

/// <summary>Numbers of eight bits, exactly.</summary>
internal static class Float8
{
    /// <summary>Four bits of exponent, three of fraction, no infinity (Micikevicius et al., "FP8 formats for deep learning", arXiv 2209.05433).</summary>
    public static float FromE4M3(byte bits)
    {
        var (exponent, fraction) = (bits >> 3 & 15, bits & 7);
        var magnitude = (exponent, fraction) switch
        {
            (15, 7) => float.NaN,
            (0, _) => fraction * (1f / 512),
            _ => MathF.ScaleB(1 + fraction / 8f, exponent - 7),
        };
        return bits < 128 ? magnitude : -magnitude;
    }
}
