using System.Diagnostics.Metrics;
using Emu3.Inference;
using Emu3.Inference.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Benchmarks.Pictures;

/// <summary>
/// Two questions about drawing pictures, each answered by runs side by side: what row invariance costs, and what the engine gains over the reference's way.
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
        await PriceOfInvarianceAsync(report, rounds);
        report.Save("pictures");
    }

    private static async Task AgainstReferenceAsync(Report report, int rounds)
    {
        const int InFlight = 32, ReferenceCount = 8;
        await using var engine = await LoadAsync(InFlight, rowInvariance: true);
        using var reference = new ReferenceWay(new() { Model = Places.Model, SlotCount = 2, RowInvariance = false });
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

    private static async Task PriceOfInvarianceAsync(Report report, int rounds)
    {
        List<string[]> rows = [];
        foreach (var inFlight in s_inFlight)
        {
            var count = Math.Max(16, 4 * inFlight);
            await using var on = await LoadAsync(inFlight, rowInvariance: true);
            await using var off = await LoadAsync(inFlight, rowInvariance: false);
            foreach (var engine in (IEngine[])[on, off])
                await BareEngine.DrawAsync(engine, inFlight, greedy: false);
            List<double> with = [], without = [], ratios = [];
            for (var round = 0; round < rounds; round++)
            {
                with.Add((await BareEngine.DrawAsync(on, count, greedy: false)).ImagesPerSecond);
                without.Add((await BareEngine.DrawAsync(off, count, greedy: false)).ImagesPerSecond);
                ratios.Add(with[^1] / without[^1]);
            }
            rows.Add([$"{inFlight}", Report.Spread(with), Report.Spread(without), Report.Spread(ratios)]);
        }
        report.Line();
        report.Line("## What row invariance costs: row floor on against off");
        report.Line();
        report.Line("Off pads nothing; the other means (attention in fixed blocks, one layout of products) stay.");
        report.Table(["in flight", "floor on, images/s", "floor off, images/s", "ratio"], rows);
    }

    private static Task<IEngine> LoadAsync(int inFlight, bool rowInvariance) => Emu3Engine.LoadAsync(
        new() { Model = Places.Model, SlotCount = 2 * inFlight, RowInvariance = rowInvariance }, NullLoggerFactory.Instance, Meters());

    private static IMeterFactory Meters() =>
        new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>();
}
