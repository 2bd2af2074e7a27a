using System.Diagnostics.Metrics;
using Emu3.Inference.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Benchmarks.Pictures;

/// <summary>
/// What the cluster costs: <c>emu3 batch</c> through a gateway and one silo against the bare engine, in turns. With a thread fewer than processors, as beside
/// a GPU, whose engine leaves the processors to the cluster; and with all of them, where every cycle of the cluster is taken from the engine.
/// </summary>
internal static class TaxBenchmark
{
    /// <param name="rounds">Runs of each side, in turns.</param>
    public static async Task RunAsync(int rounds)
    {
        var report = new Report("What the cluster costs over the bare engine", $"dotnet run --project Benchmarks -c Release -- tax --rounds {rounds}");
        report.Line("* model: emu3-tiny, float32, 8×8 cells (75 tokens a picture), guidance with two branches, its own defaults of sampling");
        report.Line("* `emu3 batch` from the input file to the last PNG in the folder, through a gateway and one silo that are up (HTTP, jobs, shards, leases, durable writes, encoding); the bare engine stops at the decoded pixels");
        report.Line($"* {rounds} rounds; each figure is the median, with the smallest and the largest in brackets; ratios are taken round by round");
        var all = Environment.ProcessorCount;
        List<string[]> rows = [];
        foreach (var threads in all > 1 ? (int[])[all - 1, all] : [all])
            foreach (var inFlight in (int[])[8, 32])
                rows.Add(await CompareAsync(threads, inFlight, rounds));
        report.Table([$"threads of the engine, of {all}", "in flight", "pictures", "bare engine, images/s", "passes", "emu3 batch, images/s", "passes", "ratio"], rows);
        report.Save("tax");
    }

    private static async Task<string[]> CompareAsync(int threads, int inFlight, int rounds)
    {
        var count = 8 * inFlight;
        using var meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
        await using var engine = await Emu3Engine.LoadAsync(
            new() { Model = Places.Model, SlotCount = 2 * inFlight, Threads = threads }, NullLoggerFactory.Instance, meters.GetRequiredService<IMeterFactory>());
        List<double> bare = [], whole = [], ratios = [];
        var (barePasses, wholePasses) = (0L, 0L);
        await EmuBatch.UseAsync(inFlight, threads, async batch =>
        {
            await BareEngine.DrawAsync(engine, inFlight, greedy: false);
            await batch.DrawAsync(inFlight);
            for (var round = 0; round < rounds; round++)
            {
                var a = await BareEngine.DrawAsync(engine, count, greedy: false);
                var b = await batch.DrawAsync(count);
                bare.Add(a.ImagesPerSecond);
                whole.Add(b.ImagesPerSecond);
                ratios.Add(b.ImagesPerSecond / a.ImagesPerSecond);
                (barePasses, wholePasses) = (a.Passes, b.Passes);
            }
        });
        return [$"{threads}", $"{inFlight}", $"{count}", Report.Spread(bare), $"{barePasses}", Report.Spread(whole), $"{wholePasses}", Report.Spread(ratios)];
    }
}
