using System.Runtime.CompilerServices;

namespace Emu3.Inference.Cpu.Kernels;

/// <summary>
/// Exponentials with the same bits on every machine: nothing but sums, products, quotients and moves of bits, each exact or rounded once. The libraries'
/// own differ between processors, and between short and long spans on one processor.
/// </summary>
internal static unsafe class Functions
{
    private const float Log2E = 1.44269504f;
    private const float Shift = 12582912f; // 1.5 · 2²³: adding it rounds to a whole number, which is left in the low bits
    private const float Log2Upper = 0.693359375f, Log2Lower = -2.12194440e-4f; // ln 2 in two parts; products with the upper one are exact
    private const float Lowest = -87.33654f, Highest = 88.72283f;

    /// <summary>eˣ, within one unit in the last place; 0 below −87.33, where float32 has only denormals, infinity above 88.72.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp<T>(T x) where T : unmanaged, ILanes<T>
    {
        var shift = T.Create(Shift);
        var shifted = T.FusedMultiplyAdd(x, T.Create(Log2E), shift);
        var whole = shifted - shift;
        var r = T.FusedMultiplyAdd(whole, T.Create(-Log2Upper), x);
        r = T.FusedMultiplyAdd(whole, T.Create(-Log2Lower), r);
        var q = T.Create(1.97902977e-4f);
        q = T.FusedMultiplyAdd(q, r, T.Create(1.39447034e-3f));
        q = T.FusedMultiplyAdd(q, r, T.Create(8.33349768e-3f));
        q = T.FusedMultiplyAdd(q, r, T.Create(4.16662954e-2f));
        q = T.FusedMultiplyAdd(q, r, T.Create(1.66666657e-1f));
        q = T.FusedMultiplyAdd(q, r, T.Create(0.5f));
        var result = T.Scale(T.FusedMultiplyAdd(q, r * r, r) + T.Create(1), shifted);
        result = T.IfLess(x, T.Create(Lowest), T.Create(0), result);
        result = T.IfLess(T.Create(Highest), x, T.Create(float.PositiveInfinity), result);
        return T.IfNumber(x, result);
    }

    /// <summary>The same of one number.</summary>
    public static float Exp<T>(float x) where T : unmanaged, ILanes<T>
    {
        var lanes = stackalloc float[T.Count];
        T.Store(Exp(T.Create(x)), lanes);
        return lanes[0];
    }

    /// <summary>x / (1 + e⁻ˣ)</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Silu<T>(T x) where T : unmanaged, ILanes<T> => x / (T.Create(1) + Exp(T.Create(0) - x));
}
