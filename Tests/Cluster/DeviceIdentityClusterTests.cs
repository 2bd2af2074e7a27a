using Emu3.Benchmarks.Processes;
using Emu3.Grains.Interfaces;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Two workers on one node, each with a GPU that it calls its first, as Kubernetes gives them to pods.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class DeviceIdentityClusterTests : IDisposable
{
    private static readonly string[] s_uuids = ["GPU-5fd4f087-86f3-7a43-b711-4771313afc50", "GPU-0e3b8a2c-1111-4222-8333-944455556666"];

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Quarantine_OfOneGpu_LeavesTheOtherOfItsNodeAlone_AndLastsOverARestart()
    {
        await using var cluster = await ProcessCluster.StartAsync(new()
        {
            Folder = _folder.FullPath,
            WorkerCount = 2,
            WorkerSettings = new Dictionary<string, string>(ProcessClusterPlan.Simulated(slotCount: 4, TimeSpan.FromMilliseconds(1))) { ["Silo:HostName"] = "node-7" },
            EnvironmentOf = name => name.StartsWith("worker-", StringComparison.Ordinal)
                ? new Dictionary<string, string> { ["Engine__DeviceId"] = s_uuids[name[^1] - '0'] }
                : new Dictionary<string, string>(),
        }, Cancellation);
        var grains = await cluster.ConnectAsync(Cancellation);
        var (dispatcher, ledger) = (grains.GetGrain<IDispatcher>(0), grains.GetGrain<IDeviceLedger>(0));
        var (ill, well) = ($"node-7/{s_uuids[0]}", $"node-7/{s_uuids[1]}");
        Assert.Equal(new[] { ill, well }.Order(), (await dispatcher.GetWorkers()).Select(worker => worker.Device).Order());

        // As the ledger is told when workers die on one device, each with another item.
        for (var death = 0; death < 3; death++)
        {
            var worker = new WorkerId($"127.0.0.1:1@{death}/simulated:0");
            await ledger.Seen(worker, ill);
            await ledger.DiedWith(worker, JobId.Draw(), death);
        }

        await QuarantinedAsync(dispatcher, ill, well);
        using var client = new JobClient(cluster.GatewayAddresses);
        Assert.Equal([well], await MakersAsync(client, "first"));

        await cluster["worker-0"].RestartAsync();
        await QuarantinedAsync(dispatcher, ill, well);
        Assert.Equal([well], await MakersAsync(client, "second"));

        await ledger.Release(ill);
        while ((await dispatcher.GetWorkers()).Any(worker => worker.Quarantine is not null)) await Task.Delay(50, Cancellation);
        // A busy machine may let one worker make a whole job.
        var job = 0;
        await Eventually.TrueAsync("both make items again", async () => (await MakersAsync(client, $"third-{job++}")).Order().SequenceEqual(new[] { ill, well }.Order()));
    }

    /// <summary>Waits until both are there, and the one is quarantined and the other is not.</summary>
    private static async Task QuarantinedAsync(IDispatcher dispatcher, string ill, string well)
    {
        while (true)
        {
            var workers = await dispatcher.GetWorkers();
            Assert.DoesNotContain(workers, worker => worker.Device == well && worker.Quarantine is not null);
            if (workers.Count == 2 && workers.Any(worker => worker.Device == ill && worker.Quarantine is not null)) return;
            await Task.Delay(50, Cancellation);
        }
    }

    /// <summary>The devices that made the items of a job.</summary>
    private static async Task<IReadOnlyList<string>> MakersAsync(JobClient client, string name)
    {
        const int count = 40;
        var job = await client.SubmitAsync(name, Enumerable.Range(0, count).Select(number => $$"""{"prompt":"{{name}} {{number}}"}""").Prepend("{}"), Cancellation);
        var ledger = new Ledger(count);
        await client.FollowAsync(job, ledger.Take, Cancellation);
        Assert.All(ledger.Outcomes.Values, outcome => Assert.Equal("done", outcome.Status));
        var makers = new HashSet<string>();
        var page = await client.GetJsonAsync($"/v1/jobs/{job}/results?limit=100", Cancellation);
        foreach (var item in page.GetProperty("data").EnumerateArray()) makers.Add(item.GetProperty("made_by").GetString()!);
        return [.. makers];
    }
}
