using System.CommandLine;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Emu3.Inference;
using Emu3.Inference.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Benchmarks.Pictures;

/// <summary>What decoding pictures takes from the passes that run meanwhile: in pieces between them, and beside them on threads of its own.</summary>
internal static class DecodingBenchmark
{
    private const int InFlight = 8, Cells = 18, LonePictures = 20, Many = 16, Rounds = 4;
    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(2);

    /// <summary>Threads of passes and of pictures.</summary>
    private static readonly (int Passes, int Pictures)[] s_ways = [(1, 0), (1, 1), (2, 0), (2, 1)];

    public static Command Create()
    {
        var rounds = new Option<int>("--rounds") { Description = "Runs of each way, in turns.", DefaultValueFactory = _ => 5 };
        var command = new Command("decoding", "Passes with and without pictures being decoded: between them, and beside them.") { rounds };
        command.SetAction((result, _) => RunAsync(result.GetValue(rounds)));
        return command;
    }

    private static async Task RunAsync(int rounds)
    {
        var report = new Report("Passes while pictures are decoded", $"dotnet run --project Benchmarks -c Release -- decoding --rounds {rounds}");
        report.Line($"* emu3-tiny; {InFlight} guided pictures of {Cells}×{Cells} cells in flight, given up before their end, so that none of them is decoded; beside them one picture after the other is decoded, of {Cells}×{Cells} cells (144×144 pixels), each {s_time.TotalSeconds} s");
        report.Line($"* drawing: pictures of 8×8 cells, {Many} in flight, from the first request to the last picture's pixels, {Rounds * Many} of them");
        report.Line($"* a lone picture: {LonePictures} guided pictures of 8×8 cells, one after the other, from the request to the pixels");
        report.Line($"* {rounds} rounds, in turns; each figure is the median, with the smallest and the largest in brackets; ratios are taken round by round");
        var figures = s_ways.ToDictionary(way => way, _ => new List<(double Without, double With, double Pictures, double Drawn, double Lone)>());
        for (var round = 0; round < rounds; round++)
            foreach (var way in s_ways)
                figures[way].Add(await MeasureAsync(way.Passes, way.Pictures));
        report.Table(["threads of passes, of pictures", "steps/s without decoding", "steps/s while pictures are decoded", "ratio", "pictures decoded/s meanwhile", "drawing, pictures/s", "a lone picture, ms"], s_ways.Select(way => (string[])
        [
            $"{way.Passes}, {(way.Pictures == 0 ? "none: in pieces between passes" : $"{way.Pictures} beside")}",
            Report.Spread([.. figures[way].Select(figure => figure.Without)]), Report.Spread([.. figures[way].Select(figure => figure.With)]),
            Report.Spread([.. figures[way].Select(figure => figure.With / figure.Without)]), Report.Spread([.. figures[way].Select(figure => figure.Pictures)]),
            Report.Spread([.. figures[way].Select(figure => figure.Drawn)]), Report.Spread([.. figures[way].Select(figure => 1000 * figure.Lone)]),
        ]));
        report.Line($"By default passes take all {Environment.ProcessorCount} cores, and pictures one thread beside them; where Engine:Threads leaves cores, pictures take those, at most as many again.");
        report.Save("decoding");
    }

    private static async Task<(double Without, double With, double Pictures, double Drawn, double Lone)> MeasureAsync(int passes, int pictures)
    {
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var options = new EngineOptions { Model = Places.Model, Threads = passes, PictureThreads = pictures, SlotCount = 2 * Many };
        await using var engine = await Emu3Engine.LoadAsync(options, NullLoggerFactory.Instance, services.GetRequiredService<IMeterFactory>());
        await StepsAsync(engine, decodes: true); // compiles, and lays kernels out
        var (without, _) = await StepsAsync(engine, decodes: false);
        var (with, decoded) = await StepsAsync(engine, decodes: true);
        var drawn = (await BareEngine.DrawAsync(engine, Rounds * Many, greedy: false)).ImagesPerSecond;
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < LonePictures; i++)
            await BareEngine.DrawAsync(engine, 1, greedy: false);
        return (without, with, decoded, drawn, watch.Elapsed.TotalSeconds / LonePictures);
    }

    private static async Task<(double Steps, double Pictures)> StepsAsync(IEngine engine, bool decodes)
    {
        using var end = new CancellationTokenSource(s_time, TimeProvider.System);
        var (watch, steps, decoded) = (Stopwatch.StartNew(), engine.Load.StepCount, 0);
        await Task.WhenAll([.. Enumerable.Range(0, InFlight).Select(GenerateAsync), .. decodes ? (Task[])[DecodeAsync()] : []]);
        return ((engine.Load.StepCount - steps) / watch.Elapsed.TotalSeconds, decoded / watch.Elapsed.TotalSeconds);

        async Task GenerateAsync(int index)
        {
            while (!end.IsCancellationRequested)
            {
                var count = 0;
                await foreach (var told in engine.Run(Request(engine, index)))
                    if (end.IsCancellationRequested || Sound(told) is EngineEvent.TokensGenerated tokens && (count += tokens.Ids.Length) > Cells * Cells)
                        break;
            }
        }

        async Task DecodeAsync()
        {
            while (!end.IsCancellationRequested)
                await foreach (var told in engine.Run(Request(engine, InFlight) with { IsPreview = true }))
                    decoded += Sound(told) is EngineEvent.PictureDecoded ? 1 : 0;
        }
    }

    private static EngineEvent Sound(EngineEvent told) => told is EngineEvent.Failed failed ? throw new InvalidOperationException(failed.Failure.Message) : told;

    private static ImageRequest Request(IEngine engine, int index) =>
        PictureWork.Request(engine.Model, index, greedy: false) with { LatentHeight = Cells, LatentWidth = Cells };
}
