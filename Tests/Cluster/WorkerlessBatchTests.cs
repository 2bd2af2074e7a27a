using System.Text;
using Emu3.Cli;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary><c>emu3 batch --server</c> against a cluster that was scaled to nothing.</summary>
[Trait("Suite", "Cluster")]
public sealed class WorkerlessBatchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringBuilder _text = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Text
    {
        get
        {
            lock (_text) return _text.ToString();
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Batch_BeforeAnyWorkerIsThere_SaysSo_Waits_AndIsMadeWhenOneJoins()
    {
        var data = _folder.PathTo("data");
        await using (await EmbeddedCluster.StartAsync(data))
        {
            // A worker with the model "fake" was there once, and the cluster remembers it.
        }

        await using var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(data, hasWorker: false));
        var batch = RunAsync("batch", Input(), "--out", _folder.PathTo("out"), "--server", gateway.Address.ToString());
        await SaidAsync(batch, "No worker has fake at the moment");
        await SaidAsync(batch, "no worker yet");

        // Slow enough to be there still when the batch looks again.
        await using var worker = await gateway.Cluster.AddWorkerAsync(new FakeEngine(new FakeEngineOptions { TimePerToken = TimeSpan.FromMilliseconds(50) }));
        Assert.True(await batch == ExitCode.AllDone, Text);
        Assert.Equal(2, Directory.GetFiles(_folder.PathTo("out"), "*.png").Length);
        Assert.Contains("has fake now", Text, StringComparison.Ordinal);
    }

    /// <summary>Nobody can wait for an answer that may come tomorrow.</summary>
    [Fact]
    public async Task Generate_BeforeAnyWorkerIsThere_IsRefused()
    {
        await using var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.PathTo("data"), hasWorker: false, models: Repository.PathTo("models", "emu3-tiny")));
        while ((await gateway.GetAsync("/v1/models")).GetProperty("data").GetArrayLength() == 0) await Task.Delay(20, Cancellation);

        Assert.Equal(ExitCode.NotStarted, await RunAsync("generate", "a star", "-o", _folder.PathTo("star.png"), "--server", gateway.Address.ToString()));
        Assert.Contains("no model loaded", Text, StringComparison.Ordinal);
        Assert.Equal(ExitCode.NotStarted, await RunAsync("batch", Input(), "--out", _folder.PathTo("out"), "--model", "other", "--server", gateway.Address.ToString()));
        Assert.Contains("knows emu3-tiny, not other", Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Batch_OfAClusterThatKnowsNoModel_IsRefusedWithTheRemedy()
    {
        await using var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(_folder.PathTo("data"), hasWorker: false));

        Assert.Equal(ExitCode.NotStarted, await RunAsync("batch", Input(), "--out", _folder.PathTo("out"), "--server", gateway.Address.ToString()));
        Assert.Contains("Silo:Models", Text, StringComparison.Ordinal);
    }

    /// <summary>Which of two that nobody has loaded is meant can't be told by which is loaded.</summary>
    [Fact]
    public async Task Batch_OfAClusterThatKnowsTwoModels_HasToNameOne()
    {
        var data = _folder.PathTo("data");
        await using (await EmbeddedCluster.StartAsync(data))
        {
            // "fake" is remembered.
        }

        await using var gateway = await GatewayCluster.StartAsync(await EmbeddedCluster.StartAsync(data, hasWorker: false, models: Repository.PathTo("models", "emu3-tiny")));
        while ((await gateway.GetAsync("/v1/models")).GetProperty("data").GetArrayLength() < 2) await Task.Delay(20, Cancellation);

        Assert.Equal(ExitCode.BadInput, await RunAsync("batch", Input(), "--out", _folder.PathTo("out"), "--server", gateway.Address.ToString()));
        Assert.Contains("name one with --model", Text, StringComparison.Ordinal);
    }

    private string Input()
    {
        var file = _folder.PathTo("in.txt");
        File.WriteAllText(file, "a star\na heart\n");
        return file;
    }

    private async Task<int> RunAsync(params string[] arguments)
    {
        var writer = new LockedWriter(_text);
        var console = new CliConsole { Out = writer, Error = writer, OpenInput = () => Stream.Null, IsLive = false, Time = TimeProvider.System };
        return await CommandLine.RunAsync(arguments, console, Cancellation);
    }

    private async Task SaidAsync(Task running, string text)
    {
        while (!Text.Contains(text, StringComparison.Ordinal))
        {
            Assert.False(running.IsCompleted, Text);
            await Task.Delay(20, Cancellation);
        }
    }

    /// <summary>Written to by the batch, and read by the test meanwhile.</summary>
    private sealed class LockedWriter(StringBuilder text) : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value)
        {
            lock (text) text.Append(value);
        }

        public override void WriteLine(string? value)
        {
            lock (text) text.AppendLine(value);
        }
    }
}
