using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Emu3.Inference.Cpu.Kernels;

/// <summary>The tree that adds sixteen lanes: j + (j+8), then j + (j+4), then (0+1) + (2+3). Instructions differ between machines, the order of the sums doesn't.</summary>
internal static unsafe class LaneSum
{
    /// <summary>The sum of sixteen lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(float* lanes)
    {
        var v = Quarter(lanes);
        return (v.GetElement(0) + v.GetElement(1)) + (v.GetElement(2) + v.GetElement(3));
    }

    /// <summary>The largest of sixteen lanes; not a number if any is.</summary>
    public static float Largest(float* lanes)
    {
        var largest = lanes[0];
        for (var i = 1; i < 16; i++)
            largest = MathF.Max(largest, lanes[i]);
        return largest;
    }

    /// <summary>The sums of 4 × 4 times sixteen lanes, transposed.</summary>
    /// <param name="lanes">[4 outputs, 4 rows, 16]; an output begins <paramref name="stride"/> values behind the one before</param>
    /// <param name="stride">In values.</param>
    /// <param name="last">Index of the last output; those behind it repeat it.</param>
    /// <param name="to">[4 rows, 4 outputs]</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Of16(float* lanes, nint stride, int last, float* to)
    {
        float* l1 = lanes + Math.Min(1, last) * stride, l2 = lanes + Math.Min(2, last) * stride, l3 = lanes + Math.Min(3, last) * stride;
        if (Avx512F.IsSupported)
        {
            var (lower, upper) = (Pairs(Quarters(lanes), Quarters(l1)), Pairs(Quarters(l2), Quarters(l3)));
            Pairs(lower, upper).Store(to);
            return;
        }
        var (a, b, c, d) = (Of4(lanes), Of4(l1), Of4(l2), Of4(l3));
        for (var row = 0; row < 4; row++)
            Vector128.Create(a[row], b[row], c[row], d[row]).Store(to + row * 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Of4(float* lanes)
    {
        var (a, b, c, d) = (Quarter(lanes), Quarter(lanes + 16), Quarter(lanes + 32), Quarter(lanes + 48));
        if (Sse3.IsSupported)
            return Sse3.HorizontalAdd(Sse3.HorizontalAdd(a, b), Sse3.HorizontalAdd(c, d));
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.AddPairwise(AdvSimd.Arm64.AddPairwise(a, b), AdvSimd.Arm64.AddPairwise(c, d));
        return Vector128.Create(Last(a), Last(b), Last(c), Last(d));

        static float Last(Vector128<float> v) => (v.GetElement(0) + v.GetElement(1)) + (v.GetElement(2) + v.GetElement(3));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Quarter(float* lanes)
    {
        var v = Vector256.Load(lanes) + Vector256.Load(lanes + 8);
        return v.GetLower() + v.GetUpper();
    }

    /// <summary>j + (j+8), then j + (j+4), of four times sixteen lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Quarters(float* lanes)
    {
        var (a, b, c, d) = (Vector512.Load(lanes), Vector512.Load(lanes + 16), Vector512.Load(lanes + 32), Vector512.Load(lanes + 48));
        var ab = Avx512F.Shuffle4x128(a, b, 0x44) + Avx512F.Shuffle4x128(a, b, 0xEE);
        var cd = Avx512F.Shuffle4x128(c, d, 0x44) + Avx512F.Shuffle4x128(c, d, 0xEE);
        return Avx512F.Shuffle4x128(ab, cd, 0x88) + Avx512F.Shuffle4x128(ab, cd, 0xDD);
    }

    /// <summary>Neighbours: at first 0+1 and 2+3, the second time the two of these.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Pairs(Vector512<float> a, Vector512<float> b) => Avx512F.Shuffle(a, b, 0x88) + Avx512F.Shuffle(a, b, 0xDD);
}
