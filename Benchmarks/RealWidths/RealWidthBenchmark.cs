using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;

namespace Emu3.Benchmarks.RealWidths;

/// <summary>Our own kernels against TorchSharp on the processor, or against another build, at the real model's widths: each run in a process of its own, both sides in turns.</summary>
internal static class RealWidthBenchmark
{
    private const string RunName = "real-width-run";

    public static IEnumerable<Command> Commands()
    {
        var layers = new Option<int>("--layers") { Description = "Layers of the decoder; the real one has 32.", DefaultValueFactory = _ => 2 };
        var rounds = new Option<int>("--rounds") { Description = "Runs of each side, in turns.", DefaultValueFactory = _ => 5 };
        var cells = new Option<int>("--cells") { Description = "Rows, and cells in a row, of a picture.", DefaultValueFactory = _ => 16 };
        var folder = new Option<string>("--folder") { Description = "Where the checkpoint is made and deleted.", DefaultValueFactory = _ => Path.GetTempPath() };
        var against = new Option<string?>("--against") { Description = $"Emu3.Benchmarks.dll of another build, which has the command {RunName}; default: TorchSharp in this one." };
        var benchmark = new Command("real-widths", "Guided pictures at the real model's widths with random weights: own kernels against TorchSharp, or against another build.") { layers, rounds, cells, folder, against };
        benchmark.SetAction((result, _) => RunAsync(result.GetValue(layers), result.GetValue(rounds), result.GetValue(cells), result.GetValue(folder)!, result.GetValue(against)));
        yield return benchmark;

        var language = new Option<string>("--language") { Required = true };
        var vision = new Option<string>("--vision") { Required = true };
        var torch = new Option<bool>("--torch");
        var pictures = new Option<int>("--pictures") { Required = true };
        var run = new Command(RunName, "One run of real-widths.") { language, vision, torch, pictures, cells };
        run.Hidden = true;
        run.SetAction(async (result, _) => Console.WriteLine(JsonSerializer.Serialize(await RealWidthRun.MeasureAsync(
            result.GetValue(language)!, result.GetValue(vision)!, result.GetValue(torch), result.GetValue(pictures), result.GetValue(cells)))));
        yield return run;
    }

    private static async Task RunAsync(int layers, int rounds, int cells, string folder, string? against)
    {
        var report = new Report("The real model's widths", $"dotnet run --project Benchmarks -c Release -- real-widths --layers {layers} --rounds {rounds} --cells {cells}{(against is null ? "" : " --against DLL")}");
        report.Line($"* model: hidden 4096, feed-forward 14336, 32/8 heads, vocabulary 184,622, {layers} layers, the whole vision tokenizer; random bfloat16 weights (vision float32)");
        report.Line($"* guided pictures of {cells}×{cells} cells, sampled; each run in a process of its own, in turns; medians of {rounds} rounds, the smallest and the largest in brackets; ratios round by round");
        var other = against is null ? "TorchSharp" : "the other build";
        using var checkpoint = GeometryCheckpoint.Make(folder, layers);
        foreach (var pictures in (int[])[1, 8])
        {
            List<RealWidthResult> ours = [], theirs = [];
            for (var round = 0; round < rounds; round++)
            {
                ours.Add(await StartAsync(checkpoint, build: null, isTorch: false, pictures, cells));
                theirs.Add(await StartAsync(checkpoint, against, isTorch: against is null, pictures, cells));
            }
            report.Line();
            report.Line($"## {pictures} in flight");
            report.Table(["", "own kernels", other, "ratio"],
            [
                Row("load until ready, s", result => result.LoadSeconds),
                Row("tokens/s", result => result.TokensPerSecond),
                Row("peak resident memory, GB", result => result.PeakBytes / 1e9),
                Row("of it not of mapped files, at the end, GB", result => result.AnonymousBytes / 1e9),
            ]);
            report.Line($"Ids of all runs: own {string.Join(", ", ours.Select(result => result.Ids).Distinct())}; {other} {string.Join(", ", theirs.Select(result => result.Ids).Distinct())}.");

            string[] Row(string name, Func<RealWidthResult, double> value) =>
            [
                name, Report.Spread([.. ours.Select(value)]), Report.Spread([.. theirs.Select(value)]),
                Report.Spread([.. ours.Zip(theirs, (own, other) => value(own) / value(other))]),
            ];
        }
        report.Save($"real-widths-{layers}");
    }

    private static async Task<RealWidthResult> StartAsync(GeometryCheckpoint checkpoint, string? build, bool isTorch, int pictures, int cells)
    {
        string[] arguments =
        [
            build ?? typeof(RealWidthBenchmark).Assembly.Location, RunName, "--language", checkpoint.Language, "--vision", checkpoint.Vision,
            "--pictures", $"{pictures}", "--cells", $"{cells}", .. isTorch ? (string[])["--torch"] : [],
        ];
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? JsonSerializer.Deserialize<RealWidthResult>(output)! : throw new InvalidOperationException($"A run ended with exit code {process.ExitCode}.");
    }
}
