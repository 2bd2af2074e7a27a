using System.Text.Json.Nodes;
using Emu3.Benchmarks.Processes;
using Emu3.Cli;
using Emu3.Cli.Batch;
using Emu3.Inference;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>The command line over a real silo and a real gateway in this process, with an engine that computes nothing.</summary>
[Trait("Suite", "Cluster")]
public sealed class LocalClusterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<FakeEngine> _engines = [];
    private FakeEngineOptions _engine = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Batch_WithoutAServer_MakesEverythingInItsOwnProcess_AndOnlyOnce()
    {
        var first = await RunAsync("batch", Repository.PathTo("examples", "shapes.jsonl"), "--out", _folder.PathTo("out"), "--seed", "7");
        Assert.True(first.ExitCode == ExitCode.AllDone, first.Text);
        Assert.Equal(27, AppendedLines.Peek(_folder.PathTo("out", "metadata.jsonl")).Count);
        var second = await RunAsync("batch", Repository.PathTo("examples", "shapes.jsonl"), "--out", _folder.PathTo("out"));
        Assert.Contains("27 done, 0 new, 0 changed", second.Text);
        Assert.Empty(_engines[1].Finished);
        Assert.Empty(Directory.EnumerateFiles(_folder.PathTo("data", "blobs"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Batch_Interrupted_GoesOnInsideItsPictures()
    {
        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var hasRecords = false;
        _engine = new()
        {
            SlotCount = 8,
            TokensInStep = 1,
            TimePerToken = TimeSpan.FromMilliseconds(8),
            // Early in a picture, so that the stop finds it unfinished.
            OnToken = (_, at) => { if (Volatile.Read(ref hasRecords) && at == 10) interrupt.Cancel(); },
        };
        var arguments = new[] { "batch", Repository.PathTo("examples", "shapes.jsonl"), "--out", _folder.PathTo("out"), "--seed", "7" };
        var running = RunAsync(arguments, interrupt.Token);
        while (AppendedLines.Peek(_folder.PathTo("out", "metadata.jsonl")).Count < 6)
        {
            Assert.False(running.IsCompleted);
            await Task.Delay(50, Cancellation);
        }

        Volatile.Write(ref hasRecords, true);
        var first = await running;
        Assert.Equal(ExitCode.Interrupted, first.ExitCode);
        Assert.Contains("the same command goes on", first.Text);
        Volatile.Write(ref hasRecords, false);

        var second = await RunAsync(arguments, Cancellation);
        Assert.True(second.ExitCode == ExitCode.AllDone, second.Text);
        Assert.Contains("underway", second.Text);
        Assert.Contains("went on inside", second.Text);
        Assert.Equal(27, AppendedLines.Peek(_folder.PathTo("out", "metadata.jsonl")).Count);
        Assert.True(_engines[1].ResumedCount > 0);
        Assert.Empty(_engines[0].Finished.Keys.Intersect(_engines[1].Finished.Keys));
    }

    [Fact]
    public async Task Jobs_OfADataFolderThatNobodyRuns_AreListedDiagnosedCancelledAndDeleted_WithoutAModel()
    {
        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        _engine = new() { TimePerToken = TimeSpan.FromMilliseconds(100), OnToken = (_, _) => interrupt.Cancel() };
        var interrupted = await RunAsync(["batch", Repository.PathTo("examples", "shapes.jsonl"), "--out", _folder.PathTo("out"), "--seed", "7"], interrupt.Token);
        Assert.Equal(ExitCode.Interrupted, interrupted.ExitCode);

        var listed = await RunAsync("jobs", "list", "--json");
        Assert.True(listed.ExitCode == ExitCode.AllDone, listed.Text);
        var job = JsonNode.Parse(listed.Text)!;
        var id = job["id"]!.ToString();
        Assert.Equal(27, job["counts"]!["total"]!.GetValue<int>());
        var diagnosis = await RunAsync("diagnose", id);
        Assert.Contains("No worker of fake is up. None of any model is.", diagnosis.Text);
        Assert.Contains("27 items wait to be given out.", diagnosis.Text);

        Assert.Contains("paused (requested)", (await RunAsync("jobs", "pause", id)).Text);
        Assert.Contains("low", (await RunAsync("jobs", "priority", id, "low")).Text);
        var refused = await RunAsync("jobs", "delete", id);
        Assert.Equal(ExitCode.BadInput, refused.ExitCode);
        Assert.Contains("has not ended", refused.Text);
        Assert.Equal(ExitCode.AllDone, (await RunAsync("jobs", "cancel", id)).ExitCode);
        Assert.Contains("cancelled", (await RunAsync("jobs", "show", id)).Text);
        Assert.Contains($"{id} is deleted.", (await RunAsync("jobs", "delete", id)).Text);
        Assert.Equal(ExitCode.BadInput, (await RunAsync("jobs", "show", id)).ExitCode);
        Assert.Equal("", (await RunAsync("jobs", "list", "--json")).Text);
        Assert.Single(_engines);
    }

    [Fact]
    public async Task Batch_WithMoreFailuresThanAllowed_StopsAndSaysSo_AndTheSameCommandGoesOn()
    {
        var input = _folder.PathTo("in.txt");
        await File.WriteAllLinesAsync(input, ["sick", .. Enumerable.Range(0, 59).Select(number => $"picture {number}")], Cancellation);
        _engine = new()
        {
            SlotCount = 8,
            TimePerToken = TimeSpan.FromMilliseconds(1),
            OnToken = (request, _) => _ = request is ImageRequest { Prompt: var prompt } && prompt.StartsWith("sick", StringComparison.Ordinal) ? throw new InvalidOperationException("sick") : 0,
        };
        string[] arguments = ["batch", input, "--out", _folder.PathTo("out"), "--seed", "7", "--max-failures", "0"];
        var stopped = await RunAsync(arguments);
        Assert.Equal(ExitCode.SomeFailed, stopped.ExitCode);
        Assert.Contains("1 outputs failed, more than --max-failures allows: the job is paused", stopped.Text);

        var rest = await RunAsync(arguments);
        Assert.Equal(ExitCode.SomeFailed, rest.ExitCode);
        Assert.Contains("59 of 60 outputs are in", rest.Text);
    }

    [Fact]
    public async Task Batch_EngineThatCantBeLoaded_Exits3WithTheReason()
    {
        var result = await RunAsync(["batch", Repository.PathTo("examples", "shapes.txt"), "--out", _folder.PathTo("out")], Cancellation, () => throw new InvalidOperationException("The shard is missing."));
        Assert.Equal(ExitCode.NotStarted, result.ExitCode);
        Assert.Contains("The cluster could not be started: The shard is missing.", result.Text);
        Assert.False(Directory.Exists(_folder.PathTo("out")));
    }

    [Fact]
    public async Task Serve_ThenASecondProcess_IsItsClient()
    {
        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var metrics = new Uri($"http://127.0.0.1:{FreePorts.Take()}/metrics");
        var serving = RunAsync(["serve", "--port", "0", "--metrics-port", $"{metrics.Port}"], interrupt.Token);
        while (!File.Exists(_folder.PathTo("data", "server.json")))
        {
            Assert.False(serving.IsCompleted);
            await Task.Delay(50, Cancellation);
        }

        var client = await RunAsync("generate", "a star", "-o", _folder.PathTo("star.png"), "--seed", "5");
        Assert.True(client.ExitCode == ExitCode.AllDone, client.Text);
        Assert.Contains("this one is its client", client.Text);
        Assert.Contains("seed 5", client.Text);
        Assert.True(File.Exists(_folder.PathTo("star.png")));
        var answer = await RunAsync("chat", _folder.PathTo("star.png"), "What shape is it?");
        Assert.True(answer.ExitCode == ExitCode.AllDone, answer.Text);
        var stopped = await RunAsync("chat", "What is it?", "--stop", "w7", "--stop", "w2");
        Assert.Contains("w0 w1", stopped.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("w2", stopped.Text, StringComparison.Ordinal);
        Assert.Single(_engines);
        using (var scraper = new HttpClient())
            Assert.Contains("emu3_images_completed_total{", await scraper.GetStringAsync(metrics, Cancellation), StringComparison.Ordinal);
        var refused = await RunAsync("serve", "--port", "0");
        Assert.Equal(ExitCode.NotStarted, refused.ExitCode);

        await interrupt.CancelAsync();
        var served = await serving;
        Assert.Equal(ExitCode.AllDone, served.ExitCode);
        Assert.Contains("serves emu3-tiny at http://127.0.0.1:", served.Text);
        Assert.Contains($"Metrics for Prometheus: {metrics}", served.Text);
    }

    [Fact]
    public async Task DryRun_TellsPositionsDiskAndTime_AndLeavesNothing()
    {
        var result = await RunAsync("batch", Repository.PathTo("examples", "shapes.jsonl"), "--out", _folder.PathTo("out"), "--dry-run");
        Assert.True(result.ExitCode == ExitCode.AllDone, result.Text);
        Assert.Contains("outputs 27", result.Text);
        Assert.Contains("of the model's", result.Text);
        Assert.Empty(_engines[0].Finished);
        Assert.False(Directory.Exists(_folder.PathTo("out")));
    }

    private Task<(int ExitCode, string Text)> RunAsync(params string[] arguments) => RunAsync(arguments, Cancellation);

    private async Task<(int ExitCode, string Text)> RunAsync(string[] arguments, CancellationToken cancellationToken, Func<IEngine>? makeEngine = null)
    {
        var text = new StringWriter();
        var exitCode = await CommandLine.RunAsync([.. arguments, "--data", _folder.PathTo("data")], new()
        {
            Out = TextWriter.Synchronized(text),
            Error = TextWriter.Synchronized(text),
            OpenInput = () => Stream.Null,
            IsLive = false,
            Time = TimeProvider.System,
            LoadEngine = (_, _, _, _) => Task.FromResult((makeEngine ?? MakeEngine)()),
        }, cancellationToken);
        return (exitCode, text.ToString());
    }

    private FakeEngine MakeEngine()
    {
        _engines.Add(new(_engine));
        return _engines[^1];
    }
}
