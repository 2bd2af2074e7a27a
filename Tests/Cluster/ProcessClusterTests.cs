using Emu3.Benchmarks.Processes;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>The harness of the tests that kill processes: it starts real ones, and notices what becomes of them.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class ProcessClusterTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Cluster_WhoseWorkerIsKilled_DrawsWhatAnUndisturbedOneDraws()
    {
        var work = new PictureJob(16);
        await using var cluster = await ProcessCluster.StartAsync(new() { Folder = _folder.FullPath, WorkerCount = 1 }, Cancellation);
        using var client = new JobClient(cluster.GatewayAddresses);
        var undisturbed = await work.RunUndisturbedAsync(client, Cancellation);

        var job = await client.SubmitAsync("killed", work.Lines(0, 48), Cancellation);
        Assert.Equal(job, await client.SubmitAsync("killed", work.Lines(0, 48), Cancellation));
        var ledger = new Ledger(48);
        Task? kill = null;
        await client.FollowAsync(job, seen =>
        {
            ledger.Take(seen);
            if (ledger.Outcomes.Count == 8) kill ??= cluster["worker-0"].RestartAsync();
        }, Cancellation);
        await kill!;

        var verdict = ledger.Judge(item => undisturbed[work.RecipeOf(item)]);
        output.WriteLine($"{verdict}, {verdict.Resumed} resumed inside, {client.InterruptionCount} interruptions");
        Assert.True(verdict.IsClean, cluster.TellLogs());
        Assert.Equal(2, cluster["worker-0"].StartCount);
        Assert.Equal(48, (await client.ReadResultsAsync(job, Cancellation).ToListAsync(Cancellation)).Count);
        Assert.NotNull(await client.ReadFileAsync(job, 0, Cancellation));
    }

    [Fact]
    public async Task Process_FrozenThawedToldToEnd_IsSeen()
    {
        await using var cluster = await ProcessCluster.StartAsync(new() { Folder = _folder.FullPath, WorkerCount = 0 }, Cancellation);
        var control = cluster["control-0"];
        Assert.Equal(control, await cluster.DispatcherSiloAsync(Cancellation));

        Assert.True(control.Freeze());
        Assert.True(control is { IsFrozen: true, IsRunning: true });
        control.Thaw();
        Assert.True(control.Terminate());
        await control.Ended.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);

        Assert.Equal(0, control.ExitCode);
        Assert.False(control.Terminate());
        control.Start();
        Assert.True(control.IsRunning);
        await control.KillAsync();
        Assert.False(control.IsRunning);
    }
}
