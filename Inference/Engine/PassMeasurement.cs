using System.Diagnostics;
using Emu3.Inference.Batching;
using Emu3.Inference.Tokens;

namespace Emu3.Inference.Engine;

/// <summary>Measures at load what a step costs by its number of rows. The first step also brings the weights into memory, which the first request need not wait for then.</summary>
internal static class PassMeasurement
{
    private const int Turns = 3; // of which the fastest counts: others are held up by other processes, or by code that is still being compiled
    private const int MinCounts = 3; // measured once whatever they take

    private static readonly TimeSpan s_budget = TimeSpan.FromMilliseconds(100);
    private static readonly int[] s_rowCounts = [2, 8, 32, 128, 64, 16, 4]; // the most telling first: the others are for those who have the time

    /// <param name="runner">All its slots are free.</param>
    /// <param name="positions">Of a slot.</param>
    /// <param name="tokens">Of the checkpoint.</param>
    /// <param name="sampling">That pictures are mostly drawn with.</param>
    public static PassCosts Measure(IModelRunner runner, int positions, SpecialTokens tokens, SamplingSettings sampling)
    {
        var largest = Math.Min(runner.RowsPerPass, positions / 2); // width and end of the picture need some too
        int[] counts = [.. s_rowCounts.Where(count => count <= largest).DefaultIfEmpty(1)];
        var sequence = new Sequence(new ImageGrammar(1, positions, tokens), [[tokens.Image]], [tokens.FirstVisual], new DrawSettings(sampling, Seed: 0));
        var window = new Window(counts.Max());
        var scheduler = new BatchScheduler(new SlotPool(1), prefillChunk: 1, window);
        scheduler.Add(sequence);
        scheduler.Admit();
        runner.Clear(sequence);
        Run(counts[Math.Min(1, counts.Length - 1)]);
        var (fastest, began) = (new SortedDictionary<int, double>(), Stopwatch.GetTimestamp());
        for (var turn = 0; turn < Turns; turn++)
            foreach (var count in counts)
                if (Stopwatch.GetElapsedTime(began) < s_budget || turn == 0 && fastest.Count < MinCounts)
                    fastest[count] = Math.Min(fastest.GetValueOrDefault(count, double.MaxValue), Run(count));
        runner.Clear(sequence);
        return new PassCosts([.. fastest.Select(pair => (pair.Key, pair.Value))], runner.RowsPerPass);

        // The sequence stays where it is: the same step, with more or fewer guesses.
        double Run(int rows)
        {
            window.Length = rows;
            var plan = scheduler.Plan()!;
            var start = Stopwatch.GetTimestamp();
            runner.Run(plan);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    private sealed class Window(int longest) : IWindowPolicy
    {
        public int Length { get; set; }

        public int LongestWindow => longest;

        public void Choose(ReadOnlySpan<WindowCandidate> candidates, int rows, Span<int> windows) => windows.Fill(Length);
    }
}
