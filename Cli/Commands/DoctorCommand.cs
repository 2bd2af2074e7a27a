using System.CommandLine;
using System.Globalization;
using Emu3.Cli.Batch;
using Emu3.Cli.Devices;
using Emu3.Inference;
using Emu3.Inference.Engine;
using Emu3.Inference.Weights;
using Spectre.Console;

namespace Emu3.Cli.Commands;

/// <summary><c>emu3 doctor</c>: whether this machine can run the model, and how fast.</summary>
internal static class DoctorCommand
{
    // Long enough for a rate on a slow machine, short enough to wait for.
    private static readonly TimeSpan s_trial = TimeSpan.FromSeconds(10);

    public static Command Create(CliConsole console)
    {
        var cluster = new ClusterOptions();
        var command = new Command("doctor", "Check device, native library, checkpoint and data folder, say what a load takes in memory before it starts, and measure a rate.");
        cluster.AddLocalTo(command);
        command.SetAction((result, cancellationToken) => RunAsync(cluster.Read(result), console, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ClusterChoice choice, CliConsole console, CancellationToken cancellationToken)
    {
        var found = new List<(string Check, string Found)>();
        var wrong = new List<string>();
        await CheckAsync("Data folder", () => Task.FromResult(DescribeDataFolder(choice.Data)));
        ModelFolder? model = null;
        await CheckAsync("Checkpoint", () => Task.FromResult(DescribeCheckpoint(model = ModelPath.Find(choice.Model, choice.Vision))));
        await CheckAsync("Native library", () => Task.FromResult(
            LocalEngines.DevicesOf(choice).Devices.FirstOrDefault(device => device.StartsWith("cuda:", StringComparison.Ordinal)) is { } accelerated
                ? Accelerator.Describe(accelerated) : "none is needed: the processor's kernels are part of the program"));
        if (LocalEngines.DescribeUnusedDevices(choice) is { } unused)
        {
            found.Add(("GPU", unused));
        }

        if (model is not null && wrong.Count == 0)
        {
            var devices = LocalEngines.DevicesOf(choice);
            foreach (var device in devices.Devices.Distinct())
            {
                var options = LocalEngines.OptionsOf(choice, devices, device, choice.Model ?? model.Language);
                if (!await IsSoundAsync("Memory", () => Task.Run(() => MemoryTable.Write(console, options, model.Name), cancellationToken)))
                {
                    continue;
                }

                await CheckAsync("Device", async () =>
                {
                    await using var services = new ServiceCollection().AddLogging().AddMetrics().BuildServiceProvider();
                    await using var engine = await console.LoadEngine(options, services, new Progress<LoadStage>(), cancellationToken);
                    await DescribeEngineAsync(engine, (check, text) => found.Add((check, text)), wrong, console.Time, cancellationToken);
                    return $"{options.Device}, {Environment.ProcessorCount} processors";
                });
            }
        }

        Write(console, found);
        foreach (var line in wrong)
        {
            console.Error.WriteLine(line);
        }

        return wrong.Count == 0 ? ExitCode.AllDone : ExitCode.NotStarted;

        async Task CheckAsync(string name, Func<Task<string>> check)
        {
            try
            {
                found.Add((name, await check()));
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // A doctor tells what is wrong with each part and looks at the next.
                found.Add((name, "WRONG"));
                wrong.Add($"{name}: {e.Message}");
            }
        }

        async Task<bool> IsSoundAsync(string name, Func<Task<string>> check)
        {
            var before = wrong.Count;
            await CheckAsync(name, check);
            return wrong.Count == before;
        }
    }

    private static void Write(CliConsole console, List<(string Check, string Found)> found)
    {
        if (!console.IsLive)
        {
            found.ForEach(row => console.Out.WriteLine($"{row.Check,-16}{row.Found}"));
            return;
        }

        var table = new Table().AddColumns("Check", "Found").ShowRowSeparators();
        found.ForEach(row => table.AddRow(Markup.Escape(row.Check), Markup.Escape(row.Found)));
        console.Ansi.Write(table);
    }

    private static string DescribeDataFolder(string path)
    {
        var folder = ClusterSession.OpenFolder(path);
        var free = DryRunReport.Size(new DriveInfo(folder.FullPath).AvailableFreeSpace);
        using var mine = folder.TryLock();
        return mine is not null ? $"{folder.FullPath}, {free} free"
            : folder.ReadServer() is { } first ? $"{folder.FullPath}, {free} free, in use by process {first.ProcessId} at {first.Address}"
            : $"{folder.FullPath}, {free} free, in use by {(folder.IsShared() ? "a cluster of several processes" : "another emu3")}";
    }

    private static string DescribeCheckpoint(ModelFolder model)
    {
        CheckpointFacts.Inspect(model);
        var bytes = model.Shards.Sum(shard => shard.ReadLength());
        var vision = model.IsOriginal ? $" and {model.Vision}" : "";
        return $"{model.Name}: {(model.IsOriginal ? "original" : "transformers")} layout, {model.Shards.Count} weight file{(model.Shards.Count == 1 ? "" : "s")} with {DryRunReport.Size(bytes)} in {model.Language}{vision}";
    }

    private static async Task DescribeEngineAsync(
        IEngine engine, Action<string, string> add, List<string> wrong, TimeProvider time, CancellationToken cancellationToken)
    {
        var facts = engine.Model;
        add("Numeric class", engine.NumericClass.Text);
        add("Row invariance", engine.NumericClass.RowInvariant ? "holds: the same seed gives the same picture whatever runs beside it" : "does not hold");
        if (!engine.NumericClass.RowInvariant)
        {
            wrong.Add("Row invariance: the self-test found no row floor that holds, so results are not reproducible on this device.");
        }

        var slots = engine.Load.SlotCount;
        var inFlight = facts.ImageDefaults.GuidanceScale == 1 ? slots : slots / 2;
        add("Slots", $"{slots} of {facts.MaxPositions} positions: {inFlight} pictures in flight");
        if (facts.CanDraw)
        {
            add("Expected", await MeasureAsync(engine, Math.Max(1, inFlight), time, cancellationToken));
        }
    }

    /// <summary>
    /// Draws one picture in every slot. Where that takes too long to wait for, the rate of tokens after all prompts are read gives the rest, since lengths are known.
    /// </summary>
    private static async Task<string> MeasureAsync(IEngine engine, int inFlight, TimeProvider time, CancellationToken cancellationToken)
    {
        var facts = engine.Model;
        var side = Math.Max(1, (int)Math.Round(Math.Sqrt(facts.ImageArea) / facts.SpatialFactor));
        var tokensInPicture = ((side + 1) * side) + 3;
        using var trial = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var start = time.GetTimestamp();
        var tokensBefore = engine.Load.GeneratedTokenCount;
        var pictures = Enumerable.Range(0, inFlight).Select(index => new TrialPicture(engine, index, side)).ToList();
        var all = Task.WhenAll(pictures.Select(picture => picture.DrawAsync(trial.Token)));
        await Task.WhenAny(all, Task.WhenAll(pictures.Select(picture => picture.FirstToken)));
        var (afterPrompts, tokensAfterPrompts) = (time.GetElapsedTime(start), engine.Load.GeneratedTokenCount);
        var isWhole = await Task.WhenAny(all, Task.Delay(s_trial, time, cancellationToken)) == all;
        var (seconds, tokens) = (time.GetElapsedTime(start).TotalSeconds, engine.Load.GeneratedTokenCount);
        await trial.CancelAsync();
        await all;
        cancellationToken.ThrowIfCancellationRequested();
        var rate = (tokens - tokensAfterPrompts) / Math.Max(1e-9, seconds - afterPrompts.TotalSeconds);
        var wave = isWhole ? seconds : afterPrompts.TotalSeconds + (((inFlight * tokensInPicture) - (tokensAfterPrompts - tokensBefore)) / rate);
        var size = side * facts.SpatialFactor;
        return string.Create(CultureInfo.InvariantCulture,
            $"{inFlight / wave * 3600:0} pictures an hour of {size}x{size} pixels with {inFlight} in flight ({(isWhole ? "measured over" : "predicted from")} {seconds:0.0} s)");
    }

    private sealed class TrialPicture(IEngine engine, int index, int side)
    {
        private readonly TaskCompletionSource _firstToken = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task FirstToken => _firstToken.Task;

        public async Task DrawAsync(CancellationToken cancellationToken)
        {
            var defaults = engine.Model.ImageDefaults;
            var request = new ImageRequest
            {
                Id = $"trial-{index}",
                Prompt = "a big red star on a blue background" + defaults.PromptSuffix,
                NegativePrompt = defaults.NegativePrompt,
                GuidanceScale = defaults.GuidanceScale,
                Sampling = defaults.Sampling,
                LatentHeight = side,
                LatentWidth = side,
                Seed = (ulong)index,
            };
            try
            {
                await foreach (var happened in engine.Run(request, cancellationToken))
                {
                    if (happened is EngineEvent.TokensGenerated)
                    {
                        _firstToken.TrySetResult();
                    }
                    else if (happened is EngineEvent.Failed failed)
                    {
                        throw CommandException.NotStarted($"A trial picture failed: {failed.Failure.Message}");
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // The trial's time is over; what was generated counts.
            }
        }
    }
}
