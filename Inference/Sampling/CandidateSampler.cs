namespace Emu3.Inference.Sampling;

/// <summary>The likeliest tokens of a draw, as a device has found them, counted from the first allowed token.</summary>
/// <param name="width">Allowed tokens.</param>
/// <param name="values">Logits, the largest first; NaN counts as the largest.</param>
/// <param name="indices">Whose; whole numbers.</param>
public readonly ref struct Candidates(int width, ReadOnlySpan<float> values, ReadOnlySpan<float> indices)
{
    public int Width => width;
    public ReadOnlySpan<float> Values { get; } = values;
    public ReadOnlySpan<float> Indices { get; } = indices;
}

/// <summary>What a draw over more tokens than are fetched needs besides: which tokens survive top-k and top-p, and the logits of the noisiest.</summary>
/// <param name="cutValue">Logit of the last survivor in the order of likelihood, equal ones by id.</param>
/// <param name="cutIndex">The last survivor.</param>
/// <param name="noisyIndices">The noisiest tokens.</param>
/// <param name="noisyValues">Their logits.</param>
/// <param name="noiseBeyond">The noise of all others is at most this.</param>
public readonly ref struct WideFacts(float cutValue, float cutIndex, ReadOnlySpan<int> noisyIndices, ReadOnlySpan<float> noisyValues, double noiseBeyond)
{
    public ReadOnlySpan<int> NoisyIndices { get; } = noisyIndices;
    public ReadOnlySpan<float> NoisyValues { get; } = noisyValues;
    public double NoiseBeyond => noiseBeyond;

    /// <summary>Whether a token survives.</summary>
    public bool Keeps(float value, float index) => value > cutValue || value == cutValue && index <= cutIndex;
}

/// <summary>The end of a draw whose logits are on a device: the same token as <see cref="Sampler.Draw"/> on all logits gives, or the word that these are needed.</summary>
/// <param name="largestCount">Logits of a row at most.</param>
public sealed class CandidateSampler(int largestCount)
{
    /// <summary>Top-k up to which the candidates hold all survivors.</summary>
    public const int MaxTopK = 2048;

    /// <summary>Candidates beyond k: logits that are equal to the k-th survive too, and in half precision there are dozens.</summary>
    private const int Spare = 512;

    private const int GreedySpare = 63;

    private readonly Sampler sampler = new(largestCount);
    private readonly int[] indices = new int[largestCount];
    private readonly float[] values = new float[largestCount];

    /// <summary>Whether a draw may have more survivors than are fetched.</summary>
    public static bool IsWide(SamplingSettings settings, int width) =>
        settings.Temperature > 0 && width > MaxTopK + Spare && (settings.TopK == 0 || settings.TopK > MaxTopK);

    /// <summary>Candidates that a draw needs.</summary>
    public static int CountFor(SamplingSettings settings, int width) => Math.Min(width,
        settings.Temperature == 0 ? 1 + GreedySpare : settings.TopK is > 0 and <= MaxTopK ? settings.TopK + Spare : MaxTopK + Spare);

    /// <summary>Draws among candidates that hold all survivors.</summary>
    /// <returns>False when they do not, because too many logits are equal.</returns>
    public bool TryDraw(Candidates candidates, int firstToken, SamplingSettings settings, ulong seed, int index, uint sampleIndex, out int? token)
    {
        var width = candidates.Width;
        var found = candidates.Values;
        var count = 0;
        token = null;
        if (!float.IsFinite(found[0]))
            return true;
        var threshold = settings.Temperature == 0 ? found[0] : settings.TopK > 0 && settings.TopK < width ? found[settings.TopK - 1] : float.NegativeInfinity;
        while (count < found.Length && found[count] >= threshold)
            count++;
        if (count == found.Length && count < width)
            return false;
        Take(candidates, count);
        token = settings.Temperature == 0 ? firstToken + indices.Take(count).Min() : sampler.DrawAmong(
            indices.AsSpan(0, count), values.AsSpan(0, count), firstToken, settings, seed, index, sampleIndex);
        return true;
    }

    /// <summary>
    /// Draws where there may be more survivors than candidates. All others are at most as likely as the last candidate and at most as noisy as
    /// <see cref="WideFacts.NoiseBeyond"/>; both the quotient and the sum round monotonically, so a token that is above the sum of the two is above them all.
    /// </summary>
    /// <returns>False when the winner is not above.</returns>
    public bool TryDrawWide(Candidates candidates, WideFacts wide, int firstToken, SamplingSettings settings, ulong seed, int index, uint sampleIndex, out int? token)
    {
        var found = candidates.Values;
        var count = 0;
        token = null;
        if (!float.IsFinite(found[0]))
            return true;
        while (count < found.Length && wide.Keeps(found[count], candidates.Indices[count]))
            count++;
        var isAll = count < found.Length;
        Take(candidates, count);
        for (var i = 0; i < wide.NoisyIndices.Length; i++)
        {
            var (noisy, value) = (wide.NoisyIndices[i], wide.NoisyValues[i]);
            var isCandidate = value > found[^1] || value == found[^1] && noisy <= candidates.Indices[^1];
            var isRepeated = i > 0 && noisy == wide.NoisyIndices[0];
            if (!isCandidate && !isRepeated && wide.Keeps(value, noisy))
                (indices[count], values[count++]) = (noisy, value);
        }
        ReadOnlySpan<int> chosenIndices = indices.AsSpan(0, count);
        ReadOnlySpan<float> chosenValues = values.AsSpan(0, count);
        var winner = sampler.DrawAmong(chosenIndices, chosenValues, firstToken, settings with { TopP = 1 }, seed, index, sampleIndex);
        var noise = PositionalNoise.Gumbel(PositionalNoise.At(seed, index, winner >> 2, sampleIndex)[winner & 3]);
        token = winner;
        return isAll || chosenValues[chosenIndices.IndexOf(winner - firstToken)] / settings.Temperature + noise > found[^1] / settings.Temperature + wide.NoiseBeyond;
    }

    private void Take(Candidates candidates, int count)
    {
        candidates.Values[..count].CopyTo(values);
        for (var i = 0; i < count; i++)
            indices[i] = (int)candidates.Indices[i];
    }
}
