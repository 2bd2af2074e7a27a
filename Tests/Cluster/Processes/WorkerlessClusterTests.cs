using System.Security.Cryptography;
using Emu3.Benchmarks;
using Emu3.Benchmarks.Processes;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster.Processes;

/// <summary>With no worker at all a cluster does everything but draw; a worker that joins later draws what waits.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class WorkerlessClusterTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly PictureJob _work = new(RecipeCount: 16, Size: "128x128");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Job_OnAClusterWithoutWorkers_IsAcceptedListedCancelledAndServed_AndRunsWhenOneJoins()
    {
        await using var cluster = await ProcessCluster.StartAsync(new()
        {
            Folder = _folder.FullPath,
            ControlCount = 2,
            WorkerCount = 1,
            StartsWorkers = false,
            Settings = new Dictionary<string, string> { ["Silo:Models:0"] = Places.Model },
        }, Cancellation);
        using var client = new JobClient(cluster.GatewayAddresses);

        // No worker was ever there.
        var cancelled = await client.SubmitAsync("cancelled", _work.Lines(0, 4), Cancellation);
        var waiting = await client.SubmitAsync("waiting", _work.Lines(0, 16), Cancellation);
        Assert.Equal([waiting, cancelled], await ListAsync(client));
        Assert.Equal("queued", await StatusAsync(client, waiting));
        await client.CancelAsync(cancelled, Cancellation);
        var none = await FollowAsync(client, cancelled, 4);
        Assert.Equal(4, none.Outcomes.Values.Count(outcome => outcome.Status == "cancelled"));

        // One joins, draws some of what waits, and is gone again.
        var some = new Ledger(16);
        cluster.Workers[0].Start();
        using (var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation))
        {
            await client.FollowAsync(waiting, seen =>
            {
                some.Take(seen);
                if (some.Outcomes.Count > 0) enough.Cancel();
            }, enough.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }

        await cluster.Workers[0].KillAsync();
        await client.CancelAsync(waiting, Cancellation);
        var ended = await FollowAsync(client, waiting, 16);
        var done = ended.Outcomes.Values.Where(outcome => outcome.Status == "done").ToList();
        output.WriteLine($"{done.Count} done before the worker was killed");
        Assert.NotEmpty(done);
        Assert.Equal(16, done.Count + ended.Outcomes.Values.Count(outcome => outcome.Status == "cancelled"));
        foreach (var outcome in done)
            Assert.Equal(outcome.FileHash, Convert.ToHexStringLower(SHA256.HashData((await client.ReadFileAsync(waiting, outcome.Index, Cancellation))!)));

        // What is accepted now is for the next worker.
        var later = await client.SubmitAsync("later", _work.Lines(0, 16), Cancellation);
        Assert.Equal([later, waiting, cancelled], await ListAsync(client));
        cluster.Workers[0].Start();
        var all = await FollowAsync(client, later, 16);

        Assert.Equal(16, all.Outcomes.Values.Count(outcome => outcome.Status == "done"));
        Assert.All(done, outcome => Assert.Equal(outcome, all.Outcomes[outcome.Index]));
        Assert.Equal(("cancelled", "cancelled", "completed"), (await StatusAsync(client, cancelled), await StatusAsync(client, waiting), await StatusAsync(client, later)));
    }

    private static async Task<IReadOnlyList<string>> ListAsync(JobClient client) =>
        [.. (await client.GetJsonAsync("/v1/jobs", Cancellation)).GetProperty("data").EnumerateArray().Select(job => job.GetProperty("id").GetString()!)];

    private static async Task<string> StatusAsync(JobClient client, string job) =>
        (await client.GetJobAsync(job, Cancellation)).GetProperty("status").GetString()!;

    private static async Task<Ledger> FollowAsync(JobClient client, string job, int itemCount)
    {
        var ledger = new Ledger(itemCount);
        await client.FollowAsync(job, ledger.Take, Cancellation);
        Assert.Equal((itemCount, 0, 0, 1), (ledger.Outcomes.Count, ledger.RepeatCount, ledger.GapCount, ledger.EndCount));
        return ledger;
    }
}
