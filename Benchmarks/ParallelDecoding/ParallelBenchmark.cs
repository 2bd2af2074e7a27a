using System.CommandLine;
using System.Diagnostics.Metrics;
using Emu3.Benchmarks.Pictures;
using Emu3.Benchmarks.RealWidths;
using Emu3.Inference;

namespace Emu3.Benchmarks.ParallelDecoding;

/// <summary>What parallel decoding saves: passes of one picture, passes and time by pictures in flight, and time at the real model's widths.</summary>
internal static class ParallelBenchmark
{
    private const int Pictures = 16; // of which passes are counted, and accepted lengths recorded

    private static readonly int[] s_inFlight = [1, 2, 4, 8, 16, 32, 64];
    private static readonly int[] s_fixed = [2, 4, 8, 16];
    private static readonly int[] s_windows = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];

    public static Command Create()
    {
        var rounds = new Option<int>("--rounds") { Description = "Runs of each side, in turns.", DefaultValueFactory = _ => 3 };
        var layers = new Option<int>("--layers") { Description = "Layers at the real model's widths; 0 leaves that part out.", DefaultValueFactory = _ => 2 };
        var folder = new Option<string>("--folder") { Description = "Where that checkpoint is made and deleted.", DefaultValueFactory = _ => Path.GetTempPath() };
        var part = new Option<string>("--part") { Description = "passes, curves, widths; all by default.", DefaultValueFactory = _ => "all" };
        var command = new Command("parallel", "Parallel decoding on and off: passes, pictures a second, tokens a second at the real model's widths.") { rounds, layers, folder, part };
        command.SetAction((result, _) => RunAsync(result.GetValue(rounds), result.GetValue(layers), result.GetValue(folder)!, result.GetValue(part)!));
        return command;
    }

    private static async Task RunAsync(int rounds, int layers, string folder, string part)
    {
        var report = new Report("Parallel decoding", $"dotnet run --project Benchmarks -c Release -- parallel --rounds {rounds} --layers {layers} --part {part}");
        report.Line("* model: emu3-tiny, 8×8 cells (64 sampled tokens a picture), its own defaults of sampling, where nothing else is said");
        report.Line("* \"longest\" takes every guess up to a window of 64, \"fixed 8\" up to 8, whatever that costs: what a device would choose that is bound by reading weights; \"on\" is what the cost model chooses on this machine");
        report.Line($"* {rounds} rounds, sides in turns; figures are medians, with the smallest and the largest in brackets; ratios are taken round by round");
        if (part is "all" or "passes")
            await PassesAsync(report);
        if (part is "all" or "curves")
            await CurvesAsync(report, rounds);
        if (part is "all" or "widths" && layers > 0)
            await WidthsAsync(report, rounds, layers, folder);
        report.Save(part == "all" ? "parallel" : $"parallel-{part}");
    }

    private static ImageRequest Request(IEngine engine, int i, double guidance) => PictureWork.Request(engine.Model, 37 * i, greedy: false) with { GuidanceScale = guidance };

    private static async Task PassesAsync(Report report)
    {
        List<string[]> rows = [];
        foreach (var guidance in (double[])[1, 1.5, 3])
        {
            var off = await CountAsync(new EngineOptions { ParallelDecoding = false }, guidance);
            var longest = await CountAsync(new EngineOptions { Windows = new FixedWindows(64) }, guidance);
            var on = await CountAsync(new EngineOptions(), guidance);
            rows.Add([$"{guidance}", Cell(off), Cell(longest), Cell(on), off.Ids.SequenceEqual(longest.Ids) && off.Ids.SequenceEqual(on.Ids) ? "the same" : "**different**"]);

            string Cell((double Passes, int[] Ids) counted) => $"{Report.Figure(counted.Passes)} ({Report.Figure(counted.Passes / off.Passes)})";
        }
        report.Line();
        report.Line("## Passes for one picture");
        report.Line();
        report.Line($"One picture at a time, mean of {Pictures}; in brackets the share of the passes without parallel decoding.");
        report.Table(["guidance", "off", "longest", "on", "ids"], rows);
    }

    private static async Task<(double Passes, int[] Ids)> CountAsync(EngineOptions options, double guidance)
    {
        (options.Model, options.SlotCount) = (Places.Model, 2);
        await using var engine = await PictureRun.LoadAsync(options, PictureRun.Meters());
        var (passes, ids) = (0L, new List<int>());
        for (var i = 0; i < Pictures; i++)
        {
            var run = await PictureRun.DrawAsync(engine, Request(engine, i, guidance));
            passes += run.Steps;
            ids.AddRange(run.Ids);
        }
        return ((double)passes / Pictures, [.. ids]);
    }

    private static async Task CurvesAsync(Report report, int rounds)
    {
        List<string[]> rows = [];
        foreach (var inFlight in s_inFlight)
        {
            var count = Math.Max(16, 2 * inFlight);
            await using var off = await LoadAsync(inFlight, new EngineOptions { ParallelDecoding = false });
            await using var on = await LoadAsync(inFlight, new EngineOptions());
            await using var windowed = await LoadAsync(inFlight, new EngineOptions { Windows = new FixedWindows(8) });
            IEngine[] sides = [off, on, windowed];
            foreach (var engine in sides)
                await BareEngine.DrawAsync(engine, count, greedy: false);
            var drawn = sides.Select(_ => new List<Drawn>()).ToArray();
            for (var round = 0; round < rounds; round++)
                for (var side = 0; side < sides.Length; side++)
                    drawn[side].Add(await BareEngine.DrawAsync(sides[side], count, greedy: false));
            var isSame = drawn.All(runs => runs.All(run => run.Tokens.Zip(drawn[0][0].Tokens).All(pair => pair.First.SequenceEqual(pair.Second))));
            rows.Add(
            [
                $"{inFlight}", .. drawn.Select(runs => Report.Figure(Report.Median([.. runs.Select(run => (double)run.Passes * inFlight / count)]))),
                .. drawn.Select(runs => Report.Spread([.. runs.Select(run => run.ImagesPerSecond)])),
                .. drawn.Skip(1).Select(runs => Report.Spread([.. runs.Zip(drawn[0], (run, without) => run.ImagesPerSecond / without.ImagesPerSecond)])), isSame ? "the same" : "**different**",
            ]);
        }
        report.Line();
        report.Line("## By pictures in flight");
        report.Line();
        report.Line("The whole engine, pictures decoded. Passes are those that the pictures in flight take together.");
        report.Table(["in flight", "passes off", "on", "fixed 8", "images/s off", "on", "fixed 8", "on ÷ off", "fixed 8 ÷ off", "ids"], rows);
    }

    private static Task<IEngine> LoadAsync(int inFlight, EngineOptions options)
    {
        (options.Model, options.SlotCount) = (Places.Model, 2 * inFlight);
        return PictureRun.LoadAsync(options, PictureRun.Meters());
    }

    /// <summary>What steps of each window committed on the small checkpoint; those that the end of the picture cut short are left out.</summary>
    private static async Task<AcceptedLengths> RecordAsync()
    {
        var lengths = new Dictionary<int, int[]> { [1] = [1] };
        foreach (var window in s_windows.Skip(1))
        {
            var meters = PictureRun.Meters();
            using var windows = new StepWindows(meters);
            await using var engine = await PictureRun.LoadAsync(new EngineOptions { Model = Places.Model, SlotCount = 2, Windows = new FixedWindows(window) }, meters);
            for (var i = 0; i < Pictures; i++)
                await PictureRun.DrawAsync(engine, Request(engine, i, engine.Model.ImageDefaults.GuidanceScale));
            lengths[window] = [.. windows.Steps.Where(step => step.Window == window).Select(step => step.Committed)];
        }
        return new AcceptedLengths(lengths);
    }

    private static async Task WidthsAsync(Report report, int rounds, int layers, string folder)
    {
        const int Cells = 16;
        var recorded = await RecordAsync();
        using var checkpoint = GeometryCheckpoint.Make(folder, layers);
        EngineOptions Options() => new() { Model = checkpoint.Language, Vision = checkpoint.Vision, SlotCount = 2, SlotPositions = 1024 };
        await using var off = await PictureRun.LoadAsync(WithoutWindows(Options()), PictureRun.Meters());
        var request = RealWidthRun.Request(0, Cells);
        var truth = (await PictureRun.DrawAsync(off, request)).Ids;
        var meters = PictureRun.Meters();
        using var windows = new StepWindows(meters);
        await using var on = await ReplayingAsync(Options(), windows, meters);
        await PictureRun.DrawAsync(on, request);
        windows.Clear();
        List<PictureRun> withouts = [], withs = [];
        for (var round = 0; round < rounds; round++)
        {
            withouts.Add(await PictureRun.DrawAsync(off, request));
            withs.Add(await PictureRun.DrawAsync(on, request));
        }
        var fixedRates = new Dictionary<int, double>();
        foreach (var window in s_fixed)
        {
            var (fixedMeters, fixedOptions) = (PictureRun.Meters(), Options());
            using var fixedWindows = new StepWindows(fixedMeters);
            fixedOptions.Windows = new FixedWindows(window);
            await using var engine = await ReplayingAsync(fixedOptions, fixedWindows, fixedMeters);
            fixedRates[window] = (await PictureRun.DrawAsync(engine, request)).TokensPerSecond;
        }
        report.Line();
        report.Line("## At the real model's widths");
        report.Line();
        report.Line($"One guided picture of {Cells}×{Cells} cells, hidden 4096, feed-forward 14336, 32/8 heads, vocabulary 184,622, {layers} layers, random bfloat16 weights, guidance 3, top-k 2,048.");
        report.Line();
        report.Line("**How the guesses are simulated.** Random weights draw noise, which nobody guesses. So the guesses are the true tokens of a first run, made wrong behind a length that is drawn at random from those that emu3-tiny's pictures had with that checkpoint's own sampling and guidance (1.5), recorded for each window (below; the length is that of the window of the step before). Everything else is real: the cost model, the rows of wrong guesses, the draws, and the check that the ids are those without parallel decoding.");
        report.Table(["window", .. recorded.Windows.Select(window => $"{window}")], [["tokens a step on emu3-tiny", .. recorded.Windows.Select(window => Report.Figure(recorded.Mean(window)))]]);
        report.Table(["", "off", "on", "ratio"],
        [
            ["tokens/s", Report.Spread([.. withouts.Select(run => run.TokensPerSecond)]), Report.Spread([.. withs.Select(run => run.TokensPerSecond)]),
                $"**{Report.Spread([.. withs.Zip(withouts, (with, without) => with.TokensPerSecond / without.TokensPerSecond)])}**"],
            ["passes", $"{withouts[0].Steps}", Report.Spread([.. withs.Select(run => (double)run.Steps)]), ""],
        ]);
        report.Table(["fixed window, one run each", .. fixedRates.Keys.Select(window => $"{window}")], [["tokens/s", .. fixedRates.Values.Select(Report.Figure)]]);
        report.Line($"Windows that were chosen: {string.Join(", ", windows.Steps.GroupBy(step => step.Window).OrderBy(group => group.Key).Select(group => $"{group.Key} in {group.Count()} steps ({Report.Figure(group.Average(step => step.Committed))} tokens each)"))}.");
        report.Line();
        report.Line($"Ids of all runs: {(withouts.Concat(withs).All(run => run.Ids.SequenceEqual(truth)) ? "the same" : "**different**")}.");

        Task<IEngine> ReplayingAsync(EngineOptions options, StepWindows seen, IMeterFactory meters)
        {
            var random = new Random(1);
            options.Drafts = _ => new ReplayedDrafts(truth, recorded, seen, random);
            return PictureRun.LoadAsync(options, meters);
        }
    }

    private static EngineOptions WithoutWindows(EngineOptions options)
    {
        options.ParallelDecoding = false;
        return options;
    }
}
