using System.Runtime.CompilerServices;

namespace Emu3.Inference.Cpu.Kernels;

/// <summary>Attention of one row over cached keys and values. Keys that a row does not see are never read.</summary>
internal static unsafe class AttentionKernel<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    private const int Block = AttentionSegment.Block;

    /// <summary>Scratch that one call needs, in values: scores of a block, the block's part, and a product's own.</summary>
    public static int ScratchCount(int heads, int headDim) => heads * (Block + AttentionSegment.PartSize(headDim)) + ProductKernel<TLanes>.ScratchCount;

    /// <summary>A segment's part of the softmax.</summary>
    public static void Run(in AttentionSegment s, float* scratch)
    {
        var size = AttentionSegment.PartSize(s.HeadDim);
        float* scores = scratch, fresh = scores + s.Heads * Block;
        for (var start = 0; start < s.Count; start += Block)
        {
            var count = Math.Min(Block, s.Count - start);
            var product = new Product
            {
                Weights = (byte*)(s.Keys + (nint)start * s.HeadDim),
                Type = WeightType.Single,
                Inputs = s.HeadDim,
                Outputs = count,
                X = s.Query,
                XStride = s.HeadDim,
                Rows = s.Heads,
                Y = scores,
                YStride = Block,
            };
            ProductKernel<TLanes>.Run(product, 0, count, fresh + s.Heads * size);
            var to = start == 0 ? s.Part : fresh;
            var stride = start == 0 ? s.PartStride : size;
            for (var head = 0; head < s.Heads; head++)
                Exponentials(scores + head * Block, count, to + head * stride + s.HeadDim);
            for (var head = 0; head < s.Heads; head += 4)
                for (var d = 0; d < s.HeadDim; d += 2 * TLanes.Count)
                    Weigh(scores + head * Block, Math.Min(4, s.Heads - head), s.Values + (nint)start * s.HeadDim + d, s.HeadDim, Math.Min(TLanes.Count, s.HeadDim - d - TLanes.Count), count, to + head * stride + d, stride);
            if (start > 0)
                for (var head = 0; head < s.Heads; head++)
                    Merge(s.Part + head * s.PartStride, fresh + head * size, s.HeadDim);
        }
    }

    /// <summary>Adds the part of the keys behind to the part of those before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Merge(float* into, float* next, int headDim)
    {
        var maximum = MathF.Max(into[headDim], next[headDim]);
        var (weight, nextWeight) = (Functions.Exp<TLanes>(into[headDim] - maximum), Functions.Exp<TLanes>(next[headDim] - maximum));
        into[headDim] = maximum;
        into[headDim + 1] = into[headDim + 1] * weight + next[headDim + 1] * nextWeight;
        for (var d = 0; d < headDim; d += TLanes.Count)
            TLanes.Store(TLanes.FusedMultiplyAdd(TLanes.Load(next + d), TLanes.Create(nextWeight), TLanes.Load(into + d) * TLanes.Create(weight)), into + d);
    }

    /// <summary>The weighted values over the sum of weights.</summary>
    /// <param name="part">[headDim + 2]</param>
    /// <param name="headDim">Of the part.</param>
    /// <param name="to">Gets <paramref name="count"/> values.</param>
    /// <param name="count">The model's own head size.</param>
    public static void Finish(float* part, int headDim, float* to, int count)
    {
        var sum = part[headDim + 1];
        var d = 0;
        for (; d <= count - TLanes.Count; d += TLanes.Count)
            TLanes.Store(TLanes.Load(part + d) / TLanes.Create(sum), to + d);
        for (; d < count; d++)
            to[d] = part[d] / sum;
    }

    /// <summary>Scores to weights, in place; then their maximum and sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Exponentials(float* scores, int count, float* maximumAndSum)
    {
        var lanes = stackalloc float[16];
        var whole = (count + 15) / 16 * 16;
        for (var i = count; i < whole; i++)
            scores[i] = float.NegativeInfinity;
        for (var lane = 0; lane < 16; lane += TLanes.Count)
        {
            var largest = TLanes.Load(scores + lane);
            for (var i = lane + 16; i < whole; i += 16)
                largest = TLanes.Max(largest, TLanes.Load(scores + i));
            TLanes.Store(largest, lanes + lane);
        }
        var maximum = LaneSum.Largest(lanes);
        for (var lane = 0; lane < 16; lane += TLanes.Count)
        {
            var sum = TLanes.Create(0);
            for (var i = lane; i < whole; i += 16)
            {
                var weight = Functions.Exp(TLanes.Load(scores + i) - TLanes.Create(maximum));
                TLanes.Store(weight, scores + i);
                sum += weight;
            }
            TLanes.Store(sum, lanes + lane);
        }
        (maximumAndSum[0], maximumAndSum[1]) = (maximum, LaneSum.Of(lanes));
    }

    /// <summary>Up to four heads times two registers of values: each sum is one chain over the keys of a block.</summary>
    /// <param name="weights">[heads, block]</param>
    /// <param name="heads">1 to 4.</param>
    /// <param name="values">[keys, headDim]</param>
    /// <param name="headDim">From one key to the next.</param>
    /// <param name="second">Where the second register begins; 0 when there is none, which computes the first twice.</param>
    /// <param name="count">Keys.</param>
    /// <param name="to">[heads, …]</param>
    /// <param name="stride">From one head to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Weigh(float* weights, int heads, float* values, int headDim, int second, int count, float* to, nint stride)
    {
        float* w1 = weights + Math.Min(1, heads - 1) * Block, w2 = weights + Math.Min(2, heads - 1) * Block, w3 = weights + (heads - 1) * Block;
        TLanes a0 = TLanes.Create(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
        for (nint i = 0; i < count; i++, values += headDim)
        {
            var (v0, v1) = (TLanes.Load(values), TLanes.Load(values + second));
            var w = TLanes.Create(weights[i]);
            (a0, a1) = (TLanes.FusedMultiplyAdd(w, v0, a0), TLanes.FusedMultiplyAdd(w, v1, a1));
            w = TLanes.Create(w1[i]);
            (b0, b1) = (TLanes.FusedMultiplyAdd(w, v0, b0), TLanes.FusedMultiplyAdd(w, v1, b1));
            w = TLanes.Create(w2[i]);
            (c0, c1) = (TLanes.FusedMultiplyAdd(w, v0, c0), TLanes.FusedMultiplyAdd(w, v1, c1));
            w = TLanes.Create(w3[i]);
            (d0, d1) = (TLanes.FusedMultiplyAdd(w, v0, d0), TLanes.FusedMultiplyAdd(w, v1, d1));
        }
        Store(a0, a1, to, second);
        if (heads > 1)
            Store(b0, b1, to + stride, second);
        if (heads > 2)
            Store(c0, c1, to + 2 * stride, second);
        if (heads > 3)
            Store(d0, d1, to + 3 * stride, second);

        static void Store(TLanes first, TLanes last, float* at, int second)
        {
            TLanes.Store(last, at + second);
            TLanes.Store(first, at);
        }
    }
}
