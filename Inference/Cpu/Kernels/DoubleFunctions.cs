namespace Emu3.Inference.Cpu.Kernels;

/// <summary>
/// Functions in float64 that give the same bits on every machine: the C library's choose their way by processor, and differ between libraries.
/// For what is computed seldom: the rotary tables, and the few survivors of a draw.
/// </summary>
internal static class DoubleFunctions
{
    private const double Log2Upper = 6.93147180369123816490e-01, Log2Lower = 1.90821492927058770002e-10; // ln 2; the upper part has 32 zeros at its end

    /// <summary>ln x of a positive normal number, within one unit in the last place (the polynomial of FreeBSD's msun, e_log.c).</summary>
    public static double Log(double x)
    {
        // x = 2ᵏ · (1 + f), 1 + f between √½ and √2
        var bits = BitConverter.DoubleToInt64Bits(x);
        var shifted = bits - BitConverter.DoubleToInt64Bits(0.70710678118654752);
        var k = (int)(shifted >> 52);
        var f = BitConverter.Int64BitsToDouble(bits - ((long)k << 52)) - 1;
        var s = f / (2 + f);
        var z = s * s;
        var w = z * z;
        var odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
        var even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
        var half = 0.5 * f * f;
        return k * Log2Upper - ((half - (s * (half + (odd + even)) + k * Log2Lower)) - f);
    }

    /// <summary>eˣ, within one unit in the last place, where the result is a normal number; 0 below −708, infinity above 709 (e_exp.c).</summary>
    public static double Exp(double x)
    {
        if (double.IsNaN(x) || x > 709)
            return double.IsNaN(x) ? x : double.PositiveInfinity;
        if (x < -708)
            return 0;
        var k = Math.Round(x * 1.44269504088896338700);
        var (upper, lower) = (x - k * Log2Upper, k * Log2Lower);
        var r = upper - lower;
        var t = r * r;
        var c = r - t * (1.66666666666666019037e-01 + t * (-2.77777777770155933842e-03 + t * (6.61375632143793436117e-05 + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
        var y = 1 - ((lower - r * c / (2 - c)) - upper);
        return BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(y) + ((long)k << 52));
    }

    /// <summary>Sine and cosine of an angle of at most 2²⁰ quarter turns, rounded once to float32.</summary>
    public static (float Sine, float Cosine) SinCos(double x)
    {
        var turns = Math.Round(x * 0.63661977236758134); // quarter turns
        var r = x - turns * 1.57079632673412561417e+00; // π/2 in three parts; products of the first two with 20 bits are exact
        r -= turns * 6.07710050630396597660e-11;
        r -= turns * 2.02226624879595063154e-21;
        var z = r * r;
        var sine = r + r * z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880 + z * (-1.0 / 39916800 + z * (1.0 / 6227020800 - z / 1307674368000))))));
        var cosine = 1 + z * (-0.5 + z * (1.0 / 24 + z * (-1.0 / 720 + z * (1.0 / 40320 + z * (-1.0 / 3628800 + z * (1.0 / 479001600 - z / 87178291200))))));
        return ((long)turns & 3) switch
        {
            0 => ((float)sine, (float)cosine),
            1 => ((float)cosine, (float)-sine),
            2 => ((float)-sine, (float)-cosine),
            _ => ((float)-cosine, (float)sine),
        };
    }
}
