namespace Emu3.Inference.Batching;

/// <summary>
/// Chooses the windows that promise the most tokens a second over all sequences of a step: a few long ones where a step is bound by reading the weights,
/// one token each where every row costs its share.
/// </summary>
/// <param name="costs">Seconds of a step by its rows.</param>
public sealed class WindowPlanner(PassCosts costs) : IWindowPolicy
{
    private const int MaxRows = 512; // bounds the memory for logits (64 MiB with the real model's 32,768 visual tokens), and the time to choose
    private const double MinGain = 1.03; // below it, what is believed of costs and guesses is not exact enough to be better off

    private readonly PriorityQueue<(int Candidate, int Window), double> longer = new();
    private readonly List<(int Candidate, int Window)> taken = [];

    public int LongestWindow => 64;

    public void Choose(ReadOnlySpan<WindowCandidate> candidates, int rows, Span<int> windows)
    {
        windows.Fill(1);
        longer.Clear();
        taken.Clear();
        for (var i = 0; i < candidates.Length; i++)
            Offer(candidates[i], i, 2);
        // The next guess to add is always the one with the most tokens for a row. What a guess adds falls with its window, so no other choice of as many rows is better.
        var (tokens, bestCount, bestRate) = ((double)candidates.Length, 0, MinGain * candidates.Length / costs.Of(rows));
        while (longer.TryDequeue(out var next, out var gainOfARow))
        {
            var candidate = candidates[next.Candidate];
            rows += candidate.RowsPerDraw;
            if (rows > MaxRows)
                break;
            tokens -= gainOfARow * candidate.RowsPerDraw; // the queue gives the smallest first, so gains are negative in it
            taken.Add(next);
            if (tokens / costs.Of(rows) is var rate && rate > bestRate)
                (bestRate, bestCount) = (rate, taken.Count);
            Offer(candidate, next.Candidate, next.Window + 1);
        }
        foreach (var (candidate, window) in taken.Take(bestCount))
            windows[candidate] = window;
    }

    private void Offer(WindowCandidate candidate, int index, int window)
    {
        if (window > Math.Min(candidate.PossibleDraws, LongestWindow))
            return;
        var gain = Math.Pow(window, candidate.Exponent) - Math.Pow(window - 1, candidate.Exponent);
        longer.Enqueue((index, window), -gain / candidate.RowsPerDraw);
    }
}
