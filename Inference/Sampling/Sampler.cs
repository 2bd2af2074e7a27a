using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Inference.Sampling;

/// <summary>
/// Draws a token from logits: guidance, ÷ temperature, top-k, top-p, then the largest of logit + noise (the Gumbel-max trick), whose
/// frequencies are the softmax's. A pure function of its arguments; an instance only holds buffers, for one thread.
/// </summary>
/// <param name="largestCount">Logits of a row at most.</param>
public sealed class Sampler(int largestCount)
{
    private readonly LargestValues largest = new();
    private readonly float[] guided = new float[largestCount];
    private readonly int[] survivors = new int[largestCount];
    private readonly double[] probabilities = new double[largestCount];

    /// <summary>Classifier-free guidance u + s·(c − u). The result is valid until the next call.</summary>
    /// <param name="conditional">Logits of the prompt's branch.</param>
    /// <param name="unconditional">Logits of the negative prompt's branch.</param>
    /// <param name="scale">s</param>
    public ReadOnlySpan<float> Guide(ReadOnlySpan<float> conditional, ReadOnlySpan<float> unconditional, double scale)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(unconditional.Length, conditional.Length);
        var result = guided.AsSpan(0, conditional.Length);
        var c = MemoryMarshal.Cast<float, Vector<float>>(conditional);
        var u = MemoryMarshal.Cast<float, Vector<float>>(unconditional);
        var r = MemoryMarshal.Cast<float, Vector<float>>(result);
        var s = (float)scale;
        for (var i = 0; i < r.Length; i++)
            r[i] = u[i] + s * (c[i] - u[i]);
        // Same operations in the same order as above, none of them fused: the same bits.
        for (var i = r.Length * Vector<float>.Count; i < result.Length; i++)
            result[i] = unconditional[i] + s * (conditional[i] - unconditional[i]);
        return result;
    }

    /// <summary>The next token.</summary>
    /// <param name="logits">One for each allowed token; the first is that of <paramref name="firstToken"/>, the others follow by id.</param>
    /// <param name="firstToken">Id of the first allowed token.</param>
    /// <param name="settings">Temperature, top-k, top-p.</param>
    /// <param name="seed">Key of the noise.</param>
    /// <param name="index">Of the new token among the generated ones of its sequence.</param>
    /// <param name="sampleIndex">Which sample of the seed.</param>
    /// <returns>A token id; null when the logits hold NaN or +∞.</returns>
    public int? Draw(ReadOnlySpan<float> logits, int firstToken, SamplingSettings settings, ulong seed, int index, uint sampleIndex)
    {
        var maximum = Maximum(logits);
        if (!float.IsFinite(maximum))
            return null;
        var top = logits.IndexOf(maximum);
        if (settings.Temperature == 0)
            return firstToken + top;
        var count = KeepLargest(logits, settings.TopK);
        if (settings.TopP < 1)
            count = KeepProbable(logits, count, settings);
        return firstToken + Noisiest(logits, survivors.AsSpan(0, count), top, firstToken, settings.Temperature, seed, index, sampleIndex);
    }

    /// <summary>The next token, where those that survive top-k are known. The same as <see cref="Draw"/> gives.</summary>
    /// <param name="indices">The survivors, counted from <paramref name="firstToken"/>, in any order, at least one; none is missing. One may be there twice.</param>
    /// <param name="values">Their logits, finite or −∞, not all −∞.</param>
    /// <param name="firstToken">Id of the first allowed token.</param>
    /// <param name="settings">Temperature above zero, top-p.</param>
    /// <param name="seed">Key of the noise.</param>
    /// <param name="index">Of the new token among the generated ones of its sequence.</param>
    /// <param name="sampleIndex">Which sample of the seed.</param>
    public int DrawAmong(
        ReadOnlySpan<int> indices, ReadOnlySpan<float> values, int firstToken, SamplingSettings settings, ulong seed, int index, uint sampleIndex)
    {
        var logits = guided.AsSpan(); // only the survivors' places are read
        var (top, count) = (indices[0], indices.Length);
        logits[top] = values[0];
        for (var i = 0; i < count; i++)
        {
            logits[indices[i]] = values[i];
            if (values[i] > logits[top] || values[i] == logits[top] && indices[i] < top)
                top = indices[i];
        }
        indices.CopyTo(survivors);
        if (settings.TopP < 1)
            count = KeepProbable(logits, count, settings);
        return firstToken + Noisiest(logits, survivors.AsSpan(0, count), top, firstToken, settings.Temperature, seed, index, sampleIndex);
    }

    /// <summary>Top-k by value, equal ones kept; survivors are in the order of their ids.</summary>
    private int KeepLargest(ReadOnlySpan<float> logits, int k)
    {
        var threshold = k > 0 && k < logits.Length ? largest.Threshold(logits, k) : float.NegativeInfinity;
        var count = 0;
        for (var i = 0; i < logits.Length; i++)
            if (logits[i] >= threshold)
                survivors[count++] = i;
        return count;
    }

    /// <summary>Top-p on the survivors' own softmax: a token stays while those before it, more likely or equal with a lower id, do not reach p.</summary>
    private int KeepProbable(ReadOnlySpan<float> logits, int count, SamplingSettings settings)
    {
        var order = survivors.AsSpan(0, count);
        var weights = probabilities.AsSpan(0, count);
        for (var i = 0; i < count; i++)
            weights[i] = -logits[order[i]] / settings.Temperature;
        // Equal keys keep no order in Sort: the second sort puts runs of equal logits back into the order of their ids.
        weights.Sort(order);
        for (int from = 0, to; from < count; from = to)
        {
            for (to = from + 1; to < count && weights[to] == weights[from];)
                to++;
            order[from..to].Sort();
        }
        var (smallest, total) = (weights[0], 0.0);
        for (var i = 0; i < count; i++)
            total += weights[i] = DoubleFunctions.Exp(smallest - weights[i]);
        var kept = 0;
        for (var sum = 0.0; kept < count && (kept == 0 || sum < settings.TopP * total); kept++)
            sum += weights[kept];
        order[..kept].Sort();
        return kept;
    }

    /// <summary>Index of the largest logit ÷ temperature + noise; the lowest of equal ones.</summary>
    private static int Noisiest(
        ReadOnlySpan<float> logits, ReadOnlySpan<int> survivors, int top, int firstToken, double temperature, ulong seed, int index, uint sampleIndex)
    {
        var topToken = firstToken + top;
        var (winner, best) = (top, Noisy(top, PositionalNoise.At(seed, index, topToken >> 2, sampleIndex)[topToken & 3], logits));
        var isVast = Math.Abs(logits[top] / temperature) > 1e9; // the noise itself is rounded away: all are looked at
        Span<uint> ids = stackalloc uint[16];
        Span<float> distances = stackalloc float[16];
        for (var from = 0; from < survivors.Length; from += 16)
        {
            var count = Math.Min(16, survivors.Length - from);
            distances.Fill(float.NegativeInfinity);
            for (var j = 0; j < count; j++)
                (ids[j], distances[j]) = ((uint)(firstToken + survivors[from + j]), logits[survivors[from + j]] - logits[top]);
            var words = NoiseWords.Of(seed, index, Vector512.Create<uint>(ids), sampleIndex);
            for (var left = MayExceed(distances, words, logits); left != 0; left &= left - 1)
            {
                var j = BitOperations.TrailingZeroCount(left);
                var noisy = Noisy(survivors[from + j], words[j], logits);
                if (noisy > best || noisy == best && survivors[from + j] < winner)
                    (best, winner) = (noisy, survivors[from + j]);
            }
        }
        return winner;

        double Noisy(int i, uint word, ReadOnlySpan<float> logits) => logits[i] / temperature + PositionalNoise.Gumbel(word);

        // Most tokens can't win whatever the last digits of their noise are: those need no logarithm. With d the distance to the best, −log(−log u) > d means
        // 1 − u < 1 − exp(−exp(−d)) ≤ exp(−d). A thousandth is left for the rounding of both sides; distances where it would not do have exp(−d) = 0.
        ulong MayExceed(ReadOnlySpan<float> distances, Vector512<uint> words, ReadOnlySpan<float> logits)
        {
            var scale = Vector512.Create((float)Math.Min(1 / temperature, float.MaxValue));
            var lead = Vector512.Create(isVast ? float.NegativeInfinity : (float)(best - logits[top] / temperature));
            var most = Functions.Exp(new Lanes512(Vector512.Create<float>(distances) * scale - lead)).Vector * Vector512.Create(1.001f);
            var missing = (Vector512.ConvertToSingle((~words >> 8).AsInt32()) + Vector512.Create(0.5f)) * Vector512.Create(1f / (1 << 24));
            return Vector512.LessThanOrEqual(missing, most).ExtractMostSignificantBits();
        }
    }

    /// <summary>The largest value; NaN if any is.</summary>
    private static float Maximum(ReadOnlySpan<float> values)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        var largest = new Vector<float>(float.NegativeInfinity);
        foreach (var vector in vectors)
            largest = Vector.Max(largest, vector); // NaN goes through
        var result = float.NegativeInfinity;
        for (var i = 0; i < Vector<float>.Count; i++)
            result = MathF.Max(result, largest[i]);
        for (var i = vectors.Length * Vector<float>.Count; i < values.Length; i++)
            result = MathF.Max(result, values[i]);
        return result;
    }
}
