using System.Runtime.CompilerServices;

namespace Emu3.Inference.Cpu.Kernels;

/// <summary>What a transformer does to single rows beside products and attention.</summary>
internal static unsafe class RowKernel<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>Widens numbers as they lie in a file.</summary>
    public static void Widen(WeightType type, byte* from, float* to, int count)
    {
        switch (type)
        {
            case WeightType.BFloat16: Widen<BFloat16Weight>(from, to, count); break;
            case WeightType.Half: Widen<HalfWeight>(from, to, count); break;
            default: Widen<SingleWeight>(from, to, count); break;
        }
    }

    /// <summary>Root mean square norm of one row: x · 1 / √(Σx² ÷ count + ε) · weight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Normalise(float* x, float* weight, float* to, int count, float epsilon)
    {
        var lanes = stackalloc float[16];
        var padded = stackalloc float[16];
        var whole = count / 16 * 16;
        for (var i = 0; i < 16; i++)
            padded[i] = whole + i < count ? x[whole + i] : 0;
        for (var lane = 0; lane < 16; lane += TLanes.Count)
        {
            var sum = TLanes.Create(0);
            for (var i = lane; i < whole; i += 16)
                sum = TLanes.FusedMultiplyAdd(TLanes.Load(x + i), TLanes.Load(x + i), sum);
            var end = TLanes.Load(padded + lane);
            TLanes.Store(TLanes.FusedMultiplyAdd(end, end, sum), lanes + lane);
        }
        var scale = 1 / MathF.Sqrt(LaneSum.Of(lanes) / count + epsilon);
        var j = 0;
        for (; j <= count - TLanes.Count; j += TLanes.Count)
            TLanes.Store(TLanes.Load(x + j) * TLanes.Create(scale) * TLanes.Load(weight + j), to + j);
        for (; j < count; j++)
            to[j] = x[j] * scale * weight[j];
    }

    /// <summary>silu(gate) · up</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SiluTimes(float* gate, float* up, float* to, int count)
    {
        var i = 0;
        for (; i <= count - TLanes.Count; i += TLanes.Count)
            TLanes.Store(Functions.Silu(TLanes.Load(gate + i)) * TLanes.Load(up + i), to + i);
        for (; i < count; i++)
            to[i] = gate[i] / (1 + Functions.Exp<TLanes>(0 - gate[i])) * up[i];
    }

    /// <summary>Rotary position embedding of one head, rotate-half layout, then times a factor.</summary>
    /// <param name="head">[2·half]</param>
    /// <param name="cosine">Of the row's position; [half]</param>
    /// <param name="sine">[half]</param>
    /// <param name="half">Half of the head's size.</param>
    /// <param name="factor">The scale of attention for queries, 1 for keys.</param>
    /// <param name="to">[2·half]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Turn(float* head, float* cosine, float* sine, int half, float factor, float* to)
    {
        var i = 0;
        for (; i <= half - TLanes.Count; i += TLanes.Count)
        {
            var (first, second) = (TLanes.Load(head + i), TLanes.Load(head + half + i));
            var (c, s, f) = (TLanes.Load(cosine + i), TLanes.Load(sine + i), TLanes.Create(factor));
            TLanes.Store((first * c - second * s) * f, to + i);
            TLanes.Store((second * c + first * s) * f, to + half + i);
        }
        for (; i < half; i++)
        {
            var (first, second) = (head[i], head[half + i]);
            to[i] = (first * cosine[i] - second * sine[i]) * factor;
            to[half + i] = (second * cosine[i] + first * sine[i]) * factor;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<TWeight>(byte* from, float* to, int count) where TWeight : struct, IWeight
    {
        var i = 0;
        for (; i <= count - TLanes.Count; i += TLanes.Count)
            TLanes.Store(TWeight.Load<TLanes>(from + i * TWeight.Size), to + i);
        if (i == count)
            return;
        var left = stackalloc byte[16 * TWeight.Size];
        var wide = stackalloc float[16];
        new Span<byte>(from + i * TWeight.Size, (count - i) * TWeight.Size).CopyTo(new Span<byte>(left, 16 * TWeight.Size));
        TLanes.Store(TWeight.Load<TLanes>(left), wide);
        new Span<float>(wide, count - i).CopyTo(new Span<float>(to + i, count - i));
    }
}
