namespace Emu3.Benchmarks.ParallelDecoding;

/// <summary>How many tokens steps committed, by their window.</summary>
/// <param name="lengths">Of each window, what steps that could draw all of it committed.</param>
internal sealed class AcceptedLengths(IReadOnlyDictionary<int, int[]> lengths)
{
    /// <summary>Windows that were recorded.</summary>
    public IEnumerable<int> Windows => lengths.Keys.Order();

    /// <summary>On average.</summary>
    public double Mean(int window) => lengths[window].Average();

    /// <summary>One of the recorded lengths of the nearest window.</summary>
    public int Draw(int window, Random random)
    {
        var recorded = lengths[Windows.MinBy(known => Math.Abs(known - window))];
        return recorded[random.Next(recorded.Length)];
    }
}
