using System.Diagnostics.Metrics;
using Emu3.Inference;
using Emu3.Inference.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Benchmarks.Pictures;

/// <summary>
/// Questions about drawing pictures, each answered by runs side by side: what the engine gains over the reference's way, what our own kernels gain over
/// TorchSharp, and what row invariance costs where TorchSharp computes.
/// </summary>
internal static class PictureBenchmark
{
    private static readonly int[] s_inFlight = [1, 8, 32];

    /// <param name="rounds">Runs of each, in turns.</param>
    public static async Task RunAsync(int rounds)
    {
        var report = new Report("Pictures on the small checkpoint", $"dotnet run --project Benchmarks -c Release -- pictures --rounds {rounds}");
        report.Line("* model: emu3-tiny, float32, 8×8 cells (75 tokens a picture), guidance with two branches, its own defaults of sampling");
        report.Line($"* {rounds} rounds; each figure is the median, with the smallest and the largest in brackets; ratios are taken round by round");
        await AgainstReferenceAsync(report, rounds);
        await SideBySideAsync(
            report, rounds, "Our own kernels against TorchSharp on the processor",
            "The same engine and requests; TorchSharp pads to its row floor. Each side decodes its pictures with its own vision tokenizer.",
            ("own kernels", _ => { }
        ),
            ("TorchSharp", options => options.TorchOnCpu = true));
        await SideBySideAsync(
            report, rounds, "What row invariance costs where TorchSharp computes: row floor on against off",
            "Off pads nothing; the other means (attention in fixed blocks, one layout of products) stay. Our own kernels need no floor.",
            ("floor on", options => options.TorchOnCpu = true),
            ("floor off", options => (options.TorchOnCpu, options.RowInvariance) = (true, false)));
        report.Save("pictures");
    }

    private static async Task AgainstReferenceAsync(Report report, int rounds)
    {
        const int InFlight = 32, ReferenceCount = 8;
        await using var engine = await LoadAsync(InFlight, _ => { });
        using var reference = new ReferenceWay(Places.Model);
        await BareEngine.DrawAsync(engine, InFlight, greedy: true);
        reference.Draw(1);
        List<double> ours = [], theirs = [], ratios = [];
        var (isEqual, passes, referencePasses) = (true, 0L, 0L);
        for (var round = 0; round < rounds; round++)
        {
            var one = reference.Draw(ReferenceCount);
            var many = await BareEngine.DrawAsync(engine, 4 * InFlight, greedy: true);
            theirs.Add(one.ImagesPerSecond);
            ours.Add(many.ImagesPerSecond);
            ratios.Add(many.ImagesPerSecond / one.ImagesPerSecond);
            isEqual &= one.Tokens.Zip(many.Tokens).All(pair => pair.First.SequenceEqual(pair.Second));
            (passes, referencePasses) = (many.Passes / 4, one.Passes * InFlight / ReferenceCount);
        }
        report.Line();
        report.Line("## The engine against the reference's way");
        report.Line();
        report.Line("The reference's way on the same modules and threads: one picture at a time, one branch of guidance after the other, one token a pass, the whole head, four decoded frames. Greedy, so that ids can be compared.");
        report.Table(["", "images/s", "passes for 32 pictures"],
        [
            ["reference's way", Report.Spread(theirs), $"{referencePasses}"],
            [$"engine, {InFlight} in flight", Report.Spread(ours), $"{passes}"],
            ["**ratio**", $"**{Report.Spread(ratios)}**", ""],
        ]);
        report.Line($"Greedy ids of the {ReferenceCount} pictures that both drew: {(isEqual ? "the same" : "**different**")}.");
    }

    private static async Task SideBySideAsync(
        Report report, int rounds, string title, string explanation, (string Name, Action<EngineOptions> Configure) one, (string Name, Action<EngineOptions> Configure) other)
    {
        List<string[]> rows = [];
        foreach (var inFlight in s_inFlight)
        {
            var count = Math.Max(16, 4 * inFlight);
            await using var first = await LoadAsync(inFlight, one.Configure);
            await using var second = await LoadAsync(inFlight, other.Configure);
            foreach (var engine in (IEngine[])[first, second])
                await BareEngine.DrawAsync(engine, inFlight, greedy: false);
            List<double> ones = [], others = [], ratios = [];
            for (var round = 0; round < rounds; round++)
            {
                ones.Add((await BareEngine.DrawAsync(first, count, greedy: false)).ImagesPerSecond);
                others.Add((await BareEngine.DrawAsync(second, count, greedy: false)).ImagesPerSecond);
                ratios.Add(ones[^1] / others[^1]);
            }
            rows.Add([$"{inFlight}", Report.Spread(ones), Report.Spread(others), Report.Spread(ratios)]);
        }
        report.Line();
        report.Line($"## {title}");
        report.Line();
        report.Line(explanation);
        report.Table(["in flight", $"{one.Name}, images/s", $"{other.Name}, images/s", "ratio"], rows);
    }

    private static Task<IEngine> LoadAsync(int inFlight, Action<EngineOptions> configure)
    {
        var options = new EngineOptions { Model = Places.Model, SlotCount = 2 * inFlight };
        configure(options);
        return Emu3Engine.LoadAsync(options, NullLoggerFactory.Instance, Meters());
    }

    private static IMeterFactory Meters() =>
        new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>();
}
