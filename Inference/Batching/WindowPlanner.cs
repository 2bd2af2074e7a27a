namespace Emu3.Inference.Batching;

/// <summary>
/// Chooses the windows that promise the most tokens a second over all sequences of a step: a few long ones where a step is bound by reading the weights,
/// one token each where every row costs its share.
/// </summary>
/// <param name="costs">Seconds of a step by its rows.</param>
public sealed class WindowPlanner(PassCosts costs) : IWindowPolicy
{
    private const int MostRows = 512; // bounds the memory for logits: 64 MiB with the real model's 32,768 visual tokens
    private const double LeastGain = 1.03; // below it, what is believed of costs and guesses is not exact enough to be better off

    private static readonly int[] s_windows = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

    private readonly PriorityQueue<(int Candidate, int Step), double> steps = new();
    private readonly List<(int Candidate, int Window)> taken = [];

    public int LongestWindow => s_windows[^1];

    public void Choose(ReadOnlySpan<WindowCandidate> candidates, int rows, Span<int> windows)
    {
        windows.Fill(1);
        steps.Clear();
        taken.Clear();
        for (var i = 0; i < candidates.Length; i++)
            Offer(candidates[i], i, 1);
        // The next draft to add is always the one with the most tokens for a row; each candidate's gain falls with its window, so no order is better.
        var (tokens, bestCount, bestRate) = ((double)candidates.Length, 0, LeastGain * candidates.Length / costs.Of(rows));
        while (steps.TryDequeue(out var next, out var gainOfARow))
        {
            var candidate = candidates[next.Candidate];
            var (from, to) = (Window(candidate, next.Step - 1), Window(candidate, next.Step));
            var added = candidate.RowsPerDraw * (to - from);
            if (rows + added > MostRows)
                break;
            rows += added;
            tokens -= gainOfARow * added; // the queue gives the smallest first, so gains are negative in it
            taken.Add((next.Candidate, to));
            if (tokens / costs.Of(rows) is var rate && rate > bestRate)
                (bestRate, bestCount) = (rate, taken.Count);
            Offer(candidate, next.Candidate, next.Step + 1);
        }
        foreach (var (candidate, window) in taken.Take(bestCount))
            windows[candidate] = window;
    }

    private void Offer(WindowCandidate candidate, int index, int step)
    {
        if (step == s_windows.Length || s_windows[step - 1] >= candidate.PossibleDraws)
            return;
        int from = Window(candidate, step - 1), to = Window(candidate, step);
        var gain = Math.Pow(to, candidate.Exponent) - Math.Pow(from, candidate.Exponent);
        steps.Enqueue((index, step), -gain / (candidate.RowsPerDraw * (to - from)));
    }

    private static int Window(WindowCandidate candidate, int step) => Math.Min(s_windows[step], candidate.PossibleDraws);
}
