using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Emu3.Inference.Cpu.Kernels;

// Written out: C# has no arrays of registers. Rows and outputs beyond the last repeat the last, and are dropped.
internal static unsafe partial class ProductKernel<TLanes>
{
    /// <summary>4 outputs times 4 rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x4<TWeight>(in Tile t, byte* weights, float* x, float* sums, byte* next) where TWeight : struct, IWeight
    {
        var (count, stride, lastOutput) = (t.Count, t.WeightStride, t.Outputs - 1);
        byte* w1p = weights + Math.Min(1, lastOutput) * stride, w2p = weights + Math.Min(2, lastOutput) * stride, w3p = weights + Math.Min(3, lastOutput) * stride;
        byte* n1p = next + stride, n2p = next + 2 * stride, n3p = next + 3 * stride;
        var lastRow = t.Rows - 1;
        float* x1p = x + Math.Min(1, lastRow) * t.RowStride, x2p = x + Math.Min(2, lastRow) * t.RowStride, x3p = x + Math.Min(3, lastRow) * t.RowStride;
        TLanes s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33;
        if (t.IsFirst)
        {
            s00 = s01 = s02 = s03 = TLanes.Create(0);
            s10 = s11 = s12 = s13 = TLanes.Create(0);
            s20 = s21 = s22 = s23 = TLanes.Create(0);
            s30 = s31 = s32 = s33 = TLanes.Create(0);
        }
        else
        {
            s00 = TLanes.Load(sums + 0); s01 = TLanes.Load(sums + 16); s02 = TLanes.Load(sums + 32); s03 = TLanes.Load(sums + 48);
            s10 = TLanes.Load(sums + 64); s11 = TLanes.Load(sums + 80); s12 = TLanes.Load(sums + 96); s13 = TLanes.Load(sums + 112);
            s20 = TLanes.Load(sums + 128); s21 = TLanes.Load(sums + 144); s22 = TLanes.Load(sums + 160); s23 = TLanes.Load(sums + 176);
            s30 = TLanes.Load(sums + 192); s31 = TLanes.Load(sums + 208); s32 = TLanes.Load(sums + 224); s33 = TLanes.Load(sums + 240);
        }
        for (nint k = 0; k < count; k += 16)
        {
            var at = k * TWeight.Size;
            if (Sse.IsSupported)
            {
                // The machine's own prefetchers stop at each page and see short runs only.
                Sse.Prefetch0(next + at);
                Sse.Prefetch0(n1p + at);
                Sse.Prefetch0(n2p + at);
                Sse.Prefetch0(n3p + at);
            }
            TLanes w0 = TWeight.Load<TLanes>(weights + at), w1 = TWeight.Load<TLanes>(w1p + at), w2 = TWeight.Load<TLanes>(w2p + at), w3 = TWeight.Load<TLanes>(w3p + at);
            var x0 = TLanes.Load(x + k);
            s00 = TLanes.FusedMultiplyAdd(w0, x0, s00); s10 = TLanes.FusedMultiplyAdd(w1, x0, s10); s20 = TLanes.FusedMultiplyAdd(w2, x0, s20); s30 = TLanes.FusedMultiplyAdd(w3, x0, s30);
            var x1 = TLanes.Load(x1p + k);
            s01 = TLanes.FusedMultiplyAdd(w0, x1, s01); s11 = TLanes.FusedMultiplyAdd(w1, x1, s11); s21 = TLanes.FusedMultiplyAdd(w2, x1, s21); s31 = TLanes.FusedMultiplyAdd(w3, x1, s31);
            var x2 = TLanes.Load(x2p + k);
            s02 = TLanes.FusedMultiplyAdd(w0, x2, s02); s12 = TLanes.FusedMultiplyAdd(w1, x2, s12); s22 = TLanes.FusedMultiplyAdd(w2, x2, s22); s32 = TLanes.FusedMultiplyAdd(w3, x2, s32);
            var x3 = TLanes.Load(x3p + k);
            s03 = TLanes.FusedMultiplyAdd(w0, x3, s03); s13 = TLanes.FusedMultiplyAdd(w1, x3, s13); s23 = TLanes.FusedMultiplyAdd(w2, x3, s23); s33 = TLanes.FusedMultiplyAdd(w3, x3, s33);
        }
        TLanes.Store(s00, sums + 0); TLanes.Store(s01, sums + 16); TLanes.Store(s02, sums + 32); TLanes.Store(s03, sums + 48);
        TLanes.Store(s10, sums + 64); TLanes.Store(s11, sums + 80); TLanes.Store(s12, sums + 96); TLanes.Store(s13, sums + 112);
        TLanes.Store(s20, sums + 128); TLanes.Store(s21, sums + 144); TLanes.Store(s22, sums + 160); TLanes.Store(s23, sums + 176);
        TLanes.Store(s30, sums + 192); TLanes.Store(s31, sums + 208); TLanes.Store(s32, sums + 224); TLanes.Store(s33, sums + 240);
    }
}
