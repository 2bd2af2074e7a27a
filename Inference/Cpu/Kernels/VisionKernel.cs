using System.Runtime.CompilerServices;

namespace Emu3.Inference.Cpu.Kernels;

/// <summary>What the vision tokenizer does to pixels and cells beside products.</summary>
internal static unsafe class VisionKernel<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>(x − mean) · factor + shift of some pixels behind each other, and its swish if asked for.</summary>
    /// <param name="x">[pixels, channels]</param>
    /// <param name="mean">[channels]</param>
    /// <param name="factor">[channels]</param>
    /// <param name="shift">[channels]</param>
    /// <param name="to">[pixels, channels]</param>
    /// <param name="channels">Of a pixel.</param>
    /// <param name="pixels">How many.</param>
    /// <param name="swish">Whether v becomes v / (1 + e⁻ᵛ).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Condition(float* x, float* mean, float* factor, float* shift, float* to, int channels, int pixels, bool swish)
    {
        for (var pixel = 0; pixel < pixels; pixel++, x += channels, to += channels)
        {
            var i = 0;
            for (; i <= channels - TLanes.Count; i += TLanes.Count)
            {
                var value = TLanes.FusedMultiplyAdd(TLanes.Load(x + i) - TLanes.Load(mean + i), TLanes.Load(factor + i), TLanes.Load(shift + i));
                TLanes.Store(swish ? Functions.Silu(value) : value, to + i);
            }
            for (; i < channels; i++)
            {
                var value = MathF.FusedMultiplyAdd(x[i] - mean[i], factor[i], shift[i]);
                to[i] = swish ? value / (1 + Functions.Exp<TLanes>(0 - value)) : value;
            }
        }
    }

    /// <summary>Softmax of scores · scale, in place: the largest first, then sixteen lanes of sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Softmax(float* scores, int count, float scale)
    {
        var lanes = stackalloc float[16];
        var padded = stackalloc float[16];
        var whole = count / 16 * 16;
        for (var i = 0; i < 16; i++)
            (lanes[i], padded[i]) = (float.NegativeInfinity, whole + i < count ? scores[whole + i] * scale : float.NegativeInfinity);
        for (var lane = 0; lane < 16; lane += TLanes.Count)
        {
            var largest = TLanes.Load(padded + lane);
            for (var i = lane; i < whole; i += 16)
                largest = TLanes.Max(largest, TLanes.Load(scores + i) * TLanes.Create(scale));
            TLanes.Store(largest, lanes + lane);
        }
        var maximum = TLanes.Create(LaneSum.Largest(lanes));
        for (var lane = 0; lane < 16; lane += TLanes.Count)
        {
            var sum = TLanes.Create(0);
            for (var i = lane; i < whole; i += 16)
            {
                var weight = Functions.Exp(TLanes.Load(scores + i) * TLanes.Create(scale) - maximum);
                TLanes.Store(weight, scores + i);
                sum += weight;
            }
            var last = Functions.Exp(TLanes.Load(padded + lane) - maximum);
            TLanes.Store(last, padded + lane);
            TLanes.Store(sum + last, lanes + lane);
        }
        var total = LaneSum.Of(lanes);
        var j = 0;
        for (; j <= whole - TLanes.Count; j += TLanes.Count)
            TLanes.Store(TLanes.Load(scores + j) / TLanes.Create(total), scores + j);
        for (; j < count; j++)
            scores[j] = padded[j - whole] / total;
    }

    /// <summary>The nearest of many vectors, the first of equals: d = (Σx² + Σe²) − 2·x·e.</summary>
    /// <param name="cell">[dimension]</param>
    /// <param name="columns">[dimension, count]</param>
    /// <param name="squares">Σe²; [count]</param>
    /// <param name="dimension">Of a vector.</param>
    /// <param name="count">A multiple of 16.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Nearest(float* cell, float* columns, float* squares, int dimension, int count)
    {
        var lanes = stackalloc float[2 * TLanes.Count];
        var own = 0f;
        for (var d = 0; d < dimension; d++)
            own += cell[d] * cell[d];
        for (var i = 0; i < TLanes.Count; i++)
            lanes[i] = i;
        var (places, step) = (TLanes.Load(lanes), TLanes.Create(TLanes.Count)); // whole numbers, exact far beyond any codebook
        var (best, place, at) = (TLanes.Create(float.PositiveInfinity), TLanes.Create(0), places);
        for (var i = 0; i < count; i += TLanes.Count, at += step)
        {
            var product = TLanes.Create(0);
            for (var d = 0; d < dimension; d++)
                product = TLanes.FusedMultiplyAdd(TLanes.Create(cell[d]), TLanes.Load(columns + (nint)d * count + i), product);
            var distance = TLanes.Create(own) + TLanes.Load(squares + i) - (product + product);
            place = TLanes.IfLess(distance, best, at, place);
            best = TLanes.IfLess(distance, best, distance, best);
        }
        TLanes.Store(best, lanes);
        TLanes.Store(place, lanes + TLanes.Count);
        var nearest = 0;
        for (var i = 1; i < TLanes.Count; i++)
            if (lanes[i] < lanes[nearest] || lanes[i] == lanes[nearest] && lanes[TLanes.Count + i] < lanes[TLanes.Count + nearest])
                nearest = i;
        return (int)lanes[TLanes.Count + nearest];
    }
}
