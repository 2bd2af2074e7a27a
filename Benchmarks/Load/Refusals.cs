using System.Diagnostics;

namespace Emu3.Benchmarks.Load;

/// <summary>Whether <c>Retry-After</c> tells the truth: how long it really took until what was refused was let in, where nobody else came.</summary>
internal static class Refusals
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    public static async Task MeasureAsync(Report report, Caller caller, int most, CancellationToken cancellationToken)
    {
        await FillAsync(caller, most, cancellationToken);
        var rows = new List<string[]>();
        var ratios = new List<double>();
        foreach (var part in (double[])[0.1, 0.2, 0.4, 0.7, 0.3, 0.15, 0.5, 0.25])
        {
            var count = (int)(most * part);
            var refused = await caller.SubmitAsync(count, "later", cancellationToken);
            if (refused.RetryAfter is not { } told) throw new InvalidOperationException($"{count} more pictures were let into a full queue: {refused}");
            var started = Stopwatch.GetTimestamp();
            do await Task.Delay(s_look, TimeProvider.System, cancellationToken);
            while ((await caller.SubmitAsync(count, "later", cancellationToken)).RetryAfter is not null);
            var real = Stopwatch.GetElapsedTime(started);
            ratios.Add(told / real);
            rows.Add([$"{count}", Report.Figure(told.TotalSeconds), Report.Figure(real.TotalSeconds), Report.Figure(told / real)]);
        }

        report.Line("## `Retry-After`");
        report.Line();
        report.Line("A job of so many pictures before a full queue; when it was really let in, nobody else coming. Told in whole seconds, by the speed of the workers in their last 64 items.");
        report.Table(["pictures", "told, s", "real, s", "ratio"], rows);
        report.Line($"Told over real: {Report.Spread(ratios)}; wanted 0.5 to 2.");
        report.Line();
    }

    /// <summary>Fills the queue to its last place.</summary>
    private static async Task FillAsync(Caller caller, int most, CancellationToken cancellationToken)
    {
        for (var count = most / 2; count > 0;)
            if ((await caller.SubmitAsync(count, "first", cancellationToken)).RetryAfter is not null) count /= 2;
    }
}
