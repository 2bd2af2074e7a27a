using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Emu3.Cli;
using Emu3.Cli.Commands;
using Emu3.Inference;
using Emu3.Inference.Memory;

namespace Emu3.Benchmarks.RealWidths;

/// <summary>
/// A checkpoint as large as the real one on this machine: what <c>emu3 doctor</c> forecasts of it, and what loading it and drawing take. Each measured load is
/// a process of its own.
/// </summary>
internal static class HugeBenchmark
{
    private const string RunName = "forecast-run";

    public static IEnumerable<Command> Commands()
    {
        var layers = new Option<int>("--layers") { Description = "Layers of the decoder; the real one has 32, which take 17 GB.", DefaultValueFactory = _ => 32 };
        var positions = new Option<int>("--positions") { Description = "Positions of each of the two slots: a guided picture of 720x720 takes about 8,200.", DefaultValueFactory = _ => 1024 };
        var cells = new Option<int>("--cells") { Description = "Rows, and cells in a row, of the picture that is drawn: 8 are 72 tokens.", DefaultValueFactory = _ => 8 };
        var folder = new Option<string>("--folder") { Description = "Where the checkpoint is made and deleted.", DefaultValueFactory = _ => Path.GetTempPath() };
        var made = new Option<string?>("--made") { Description = "A folder that geometry has made: it is used, and not deleted." };
        var huge = new Command("huge", "A checkpoint of 8 billion random bfloat16 weights: forecast, load, 64 tokens, memory.") { layers, positions, cells, folder, made };
        huge.SetAction((result, cancellationToken) => RunAsync(
            result.GetValue(layers), result.GetValue(positions), result.GetValue(cells), result.GetValue(folder)!, result.GetValue(made), cancellationToken));
        yield return huge;

        var parent = new Argument<string>("folder") { Description = "Where its folder is made." };
        var geometry = new Command("geometry", "Makes a checkpoint of the real model's geometry with random weights, and leaves it there.") { parent, layers };
        geometry.SetAction((result, cancellationToken) =>
        {
            Console.WriteLine(GeometryCheckpoint.Make(result.GetValue(parent)!, result.GetValue(layers), cancellationToken).Root);
            return Task.CompletedTask;
        });
        yield return geometry;

        var model = new Option<string>("--model") { Required = true };
        var vision = new Option<string?>("--vision");
        var run = new Command(RunName, "One load of huge.") { model, vision, positions, cells };
        run.Hidden = true;
        run.SetAction(async (result, _) => Console.WriteLine(JsonSerializer.Serialize(await ForecastRun.MeasureAsync(
            result.GetValue(model)!, result.GetValue(vision), result.GetValue(positions), result.GetValue(cells)))));
        yield return run;
    }

    private static async Task RunAsync(int layers, int positions, int cells, string folder, string? made, CancellationToken cancellationToken)
    {
        var report = new Report("A checkpoint as large as the real one", $"dotnet run --project Benchmarks -c Release -- huge --layers {layers} --positions {positions} --cells {cells}");
        report.Line($"* model: hidden 4096, feed-forward 14336, 32/8 heads, vocabulary 184,622, {layers} layers, the whole vision tokenizer; random bfloat16 weights (vision float32)");
        report.Line($"* two slots of {positions} positions; one guided picture of {cells}×{cells} cells, sampled; then pictures of all sizes that were forecast are decoded, one after the other");
        var making = Stopwatch.StartNew();
        using var own = made is null ? GeometryCheckpoint.Make(folder, layers, cancellationToken) : null;
        var checkpoint = own ?? GeometryCheckpoint.At(made!);
        var machine = MachineMemory.Read();
        report.Line($"* memory: {MemoryForecast.Text(machine.TotalBytes)}, {MemoryForecast.Text(machine.AvailableBytes)} available");
        if (made is null)
            report.Line($"* the checkpoint was made in {Report.Figure(making.Elapsed.TotalSeconds)} s");
        report.Line();
        report.Line("## What emu3 doctor says");
        report.Line();
        report.Line("```");
        using (var text = new StringWriter())
        {
            var console = new CliConsole { Out = text, Error = text, OpenInput = () => Stream.Null, IsLive = false, Time = TimeProvider.System };
            MemoryTable.Write(console, new EngineOptions { Model = checkpoint.Language, Vision = checkpoint.Vision, SlotCount = 2, SlotPositions = positions }, "language");
            report.Line(text.ToString().TrimEnd());
        }
        report.Line("```");

        var rate = ReadRate.Measure(Environment.ProcessorCount);
        var tiny = await StartAsync(Places.Model, vision: null, positions, cells, cancellationToken);
        var large = await StartAsync(checkpoint.Language, checkpoint.Vision, positions, cells, cancellationToken);
        report.Line();
        report.Line("## Measured");
        report.Table(["", "emu3-tiny", $"{layers} layers"],
        [
            Row("load until ready, s", result => Report.Figure(result.LoadSeconds)),
            Row("first token of the picture, s", result => Report.Figure(result.FirstTokenSeconds)),
            Row("tokens, forced ones included", result => $"{result.Tokens}"),
            Row("a token, s", result => result.SecondsAToken.ToString("0.0000", CultureInfo.InvariantCulture)),
            Row($"a token by reading its weights once ({Report.Figure(rate / 1e9)} GB/s), s", result => (result.PassBytes / rate).ToString("0.0000", CultureInfo.InvariantCulture)),
            Row("the largest picture decoded, s", result => Report.Figure(result.DecodeSeconds)),
            Row("pages of mapped files with the last token, MiB", result => Mib(result.GeneratingMapped)),
            Row("all weights, MiB", result => Mib(result.ForecastMapped)),
        ]);
        report.Line("Resident memory of the process itself, without pages of mapped files, which the system can take back; in MiB: measured / forecast, and their ratio.");
        report.Table(["", "emu3-tiny", $"{layers} layers"],
        [
            Row("before the load", result => Mib(result.Before)),
            Row("with the last token", result => Compare(result.Generating, result.ForecastGenerating)),
            Row("at most, while pictures are decoded", result => Compare(result.Peak, result.ForecastPeak)),
            Row("behind them", result => Compare(result.End, result.ForecastEnd)),
        ]);
        report.Line("The forecast has the positions that the picture used, as slots take memory when they are first used, and buffers for passes of 128 rows.");
        report.Save(layers == 32 ? "huge" : $"huge-{layers}");

        string[] Row(string name, Func<ForecastResult, string> value) => [name, value(tiny), value(large)];
    }

    private static string Compare(long measured, long forecast) => $"{Mib(measured)} / {Mib(forecast)}, {Report.Figure((double)measured / forecast)}";

    private static string Mib(long bytes) => $"{bytes >> 20}";

    private static async Task<ForecastResult> StartAsync(string model, string? vision, int positions, int cells, CancellationToken cancellationToken)
    {
        string[] arguments =
        [
            typeof(HugeBenchmark).Assembly.Location, RunName, "--model", model, .. vision is null ? (string[])[] : ["--vision", vision], "--positions", $"{positions}", "--cells", $"{cells}",
        ];
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        using var registration = cancellationToken.Register(() => process.Kill(entireProcessTree: true));
        var output = await process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        return process.ExitCode == 0 ? JsonSerializer.Deserialize<ForecastResult>(output)! : throw new InvalidOperationException($"A load ended with exit code {process.ExitCode}.");
    }
}
