using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Emu3.Inference.Cpu.Kernels;

// Written out: C# has no arrays of registers. Rows and outputs beyond the last repeat the last, and are dropped.
internal static unsafe partial class ProductKernel<TLanes>
{
    /// <summary>4 outputs times 1 row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x1<TWeight>(in Tile t, byte* weights, float* x, float* sums, byte* next) where TWeight : struct, IWeight
    {
        var (count, stride, lastOutput) = (t.Count, t.WeightStride, t.Outputs - 1);
        byte* w1p = weights + Math.Min(1, lastOutput) * stride, w2p = weights + Math.Min(2, lastOutput) * stride, w3p = weights + Math.Min(3, lastOutput) * stride;
        byte* n1p = next + stride, n2p = next + 2 * stride, n3p = next + 3 * stride;
        TLanes s00, s10, s20, s30;
        if (t.IsFirst)
        {
            s00 = TLanes.Create(0);
            s10 = TLanes.Create(0);
            s20 = TLanes.Create(0);
            s30 = TLanes.Create(0);
        }
        else
        {
            s00 = TLanes.Load(sums + 0);
            s10 = TLanes.Load(sums + 16);
            s20 = TLanes.Load(sums + 32);
            s30 = TLanes.Load(sums + 48);
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
        }
        TLanes.Store(s00, sums + 0);
        TLanes.Store(s10, sums + 16);
        TLanes.Store(s20, sums + 32);
        TLanes.Store(s30, sums + 48);
    }
}
