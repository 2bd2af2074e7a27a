using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu3.Inference.Cpu.Kernels;

/// <summary>
/// For machines without the instruction, where .NET calls the C library for every single lane. A product of two float32 is exact in float64; the sum is
/// rounded to odd there (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008), and float64 has enough digits more than float32
/// that rounding the odd one again gives the number that one rounding would have given.
/// </summary>
internal readonly struct EmulatedFusedMultiplyAdd : IFusedMultiplyAdd
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FusedMultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c)
    {
        var (aLower, aUpper) = Vector128.Widen(a);
        var (bLower, bUpper) = Vector128.Widen(b);
        var (cLower, cUpper) = Vector128.Widen(c);
        return Vector128.Narrow(AddToOdd(aLower * bLower, cLower), AddToOdd(aUpper * bUpper, cUpper));
    }

    /// <summary>x + y; where it is not exact, the neighbour whose last bit is 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> AddToOdd(Vector128<double> x, Vector128<double> y)
    {
        var sum = x + y;
        var back = sum - x;
        var error = (x - (sum - back)) + (y - back); // exact: x + y = sum + error; not a number where the sum is not finite
        var isInexact = Vector128.LessThan(error, Vector128<double>.Zero) | Vector128.GreaterThan(error, Vector128<double>.Zero);
        var isEven = Vector128.Equals(sum.AsInt64() & Vector128<long>.One, Vector128<long>.Zero);
        // Away from zero when the error has the sign of the sum, else towards it.
        var isAway = Vector128.GreaterThanOrEqual((error.AsInt64() ^ sum.AsInt64()), Vector128<long>.Zero);
        var step = Vector128.ConditionalSelect(isAway, Vector128<long>.One, Vector128.Create(-1L));
        return (sum.AsInt64() + (step & isInexact.AsInt64() & isEven)).AsDouble();
    }
}
