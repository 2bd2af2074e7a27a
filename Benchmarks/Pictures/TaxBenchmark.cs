using System.Diagnostics.Metrics;
using Emu3.Inference;
using Emu3.Inference.Engine;
using Emu3.Inference.Simulation;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Benchmarks.Pictures;

/// <summary>
/// What the cluster costs: <c>emu3 batch</c> through a gateway and one silo against the bare engine, in turns. With a simulated engine, whose pictures take
/// their time and no processor, as on a GPU; with emu3-tiny on a thread fewer than processors; and on all of them, where every cycle of the cluster is taken
/// from the engine.
/// </summary>
internal static class TaxBenchmark
{
    /// <summary>75 tokens: 1.5 s a picture, up to a fifth longer, so that they do not end in step.</summary>
    private static readonly SimulationOptions s_device = new()
    {
        TimePerToken = TimeSpan.FromMilliseconds(20),
        StepTokens = 5,
        Jitter = 0.2,
        DecodeTime = TimeSpan.FromMilliseconds(20),
    };

    /// <param name="rounds">Runs of each side, in turns.</param>
    public static async Task RunAsync(int rounds)
    {
        var report = new Report("What the cluster costs over the bare engine", $"dotnet run --project Benchmarks -c Release -- tax --rounds {rounds}");
        report.Line("* pictures of 8×8 cells (75 tokens), guidance with two branches; emu3-tiny in float32 with its own defaults of sampling; a simulated device, whose picture takes 1.5 to 1.8 s and no processor, in place of a GPU");
        report.Line("* `emu3 batch` from the input file to the last PNG in the folder, through a gateway and one silo that are up (HTTP, jobs, shards, leases, durable writes, encoding); the bare engine stops at the decoded pixels");
        report.Line($"* {rounds} rounds; each figure is the median, with the smallest and the largest in brackets; ratios are taken round by round");
        var all = Environment.ProcessorCount;
        List<string[]> rows = [];
        foreach (var inFlight in (int[])[8, 32]) rows.Add(await SimulatedAsync(inFlight, rounds));
        foreach (var threads in all > 1 ? (int[])[all - 1, all] : [all])
            foreach (var inFlight in (int[])[8, 32])
                rows.Add(await TinyAsync(threads, inFlight, rounds));
        report.Table(["engine", "in flight", "pictures", "bare engine, images/s", "passes", "emu3 batch, images/s", "passes", "ratio"], rows);
        report.Save("tax");
    }

    private static async Task<string[]> SimulatedAsync(int inFlight, int rounds)
    {
        var folder = Directory.CreateTempSubdirectory("emu3-tax-");
        await using var engine = new SimulatedEngine(new() { SlotCount = 2 * inFlight }, s_device, TimeProvider.System);
        string[] row = [];
        await using (var cluster = await SimulatedCluster.StartAsync(folder.FullName, workerCount: 1, slotCount: 2 * inFlight, s_device))
            await EmuBatch.UseAsync(cluster.Address, async batch => row = await CompareAsync("simulated", engine, batch, inFlight, count: 16 * inFlight, rounds));
        folder.Delete(recursive: true);
        return row;
    }

    private static async Task<string[]> TinyAsync(int threads, int inFlight, int rounds)
    {
        using var meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
        await using var engine = await Emu3Engine.LoadAsync(
            new() { Model = Places.Model, SlotCount = 2 * inFlight, Threads = threads }, NullLoggerFactory.Instance, meters.GetRequiredService<IMeterFactory>());
        string[] row = [];
        await EmuBatch.UseAsync(inFlight, threads, async batch =>
            row = await CompareAsync($"emu3-tiny, {threads} of {Environment.ProcessorCount} threads", engine, batch, inFlight, count: 8 * inFlight, rounds));
        return row;
    }

    private static async Task<string[]> CompareAsync(string name, IEngine engine, EmuBatch batch, int inFlight, int count, int rounds)
    {
        List<double> bare = [], whole = [], ratios = [];
        var (barePasses, wholePasses) = (0L, 0L);
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

        // A simulated engine has no passes that its sequences share.
        string Passes(long passes) => engine is SimulatedEngine ? "" : $"{passes}";
        return [name, $"{inFlight}", $"{count}", Report.Spread(bare), Passes(barePasses), Report.Spread(whole), Passes(wholePasses), Report.Spread(ratios)];
    }
}
