using System.Diagnostics;
using Emu3.Benchmarks.Processes;
using Emu3.Storage;
using Emu3.Storage.Objects;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster.Processes;

/// <summary>
/// A cluster of processes with its blobs in an object store, which goes away in the middle of jobs: in every way a store can. No item is lost, twice or failed, and the
/// pictures are those of a cluster with its blobs in a folder.
/// </summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class ObjectStoreOutageTests(ObjectStoreOutageTests.Cluster cluster, ITestOutputHelper output) : IClassFixture<ObjectStoreOutageTests.Cluster>
{
    /// <summary>Longer than a request to the store is repeated: whoever waits for a disk has to wait for the store as well.</summary>
    private static readonly TimeSpan s_outage = Outages.Of(TimeSpan.FromSeconds(12));

    private const int ItemCount = 48;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pictures_AreThoseOfAFolder()
    {
        Assert.SkipWhen(cluster.Refusal is not null, cluster.Refusal ?? "");
        using var folder = new TemporaryFolder();
        await using var other = await ProcessCluster.StartAsync(new() { Folder = folder.FullPath, WorkerCount = 1 }, Cancellation);
        using var client = new JobClient(other.GatewayAddresses);

        var pictures = await cluster.Work.RunUndisturbedAsync(client, Cancellation);

        Assert.Equal(pictures.Select(outcome => (outcome.TokensHash, outcome.FileHash)), cluster.Undisturbed.Select(outcome => (outcome.TokensHash, outcome.FileHash)));
    }

    [Theory]
    [InlineData(nameof(RelayWay.Refuses))]
    [InlineData(nameof(RelayWay.Silent))]
    [InlineData(nameof(RelayWay.Busy))]
    public async Task Store_ThatGoesAwayInAJob_FailsNoItem(string way)
    {
        Assert.SkipWhen(cluster.Refusal is not null, cluster.Refusal ?? "");
        await cluster.WholeAsync();
        var (began, starts, refusals) = (Stopwatch.GetTimestamp(), StartCounts(), RefusalCount());
        var job = await DisturbedJob.SubmitAsync(cluster, way, ItemCount);
        await job.EndedAsync(2);

        cluster.Relay.Become(Enum.Parse<RelayWay>(way));
        await Task.Delay(s_outage, TimeProvider.System, Cancellation);
        cluster.Relay.Become(RelayWay.Through);

        var verdict = await job.JudgeAsync();
        output.WriteLine($"{way} for {s_outage.TotalSeconds} s: {verdict}; {verdict.Resumed} went on inside; {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s in all");
        Assert.True(verdict.IsClean && verdict.Right == ItemCount, $"{verdict}{Environment.NewLine}{cluster.Processes.TellLogs()}");
        Assert.Equal(starts, StartCounts());
        Assert.True(RefusalCount() > refusals, "No worker has met the outage.");
        AssertNoSecrets();
    }

    /// <summary>A worker dies while the store is away: another goes on from the checkpoints, as soon as it can read them.</summary>
    [Fact]
    public async Task Worker_KilledWhileTheStoreIsAway_IsGoneOnWithInside()
    {
        Assert.SkipWhen(cluster.Refusal is not null, cluster.Refusal ?? "");
        await cluster.WholeAsync();
        var job = await DisturbedJob.SubmitAsync(cluster, "killed", ItemCount);
        await job.InsideAsync(cluster.Processes.Workers[0]);

        cluster.Relay.Become(RelayWay.Busy);
        await cluster.Processes.Workers[0].KillAsync();
        await Task.Delay(s_outage, TimeProvider.System, Cancellation);
        cluster.Relay.Become(RelayWay.Through);

        var verdict = await job.JudgeAsync();
        output.WriteLine($"{verdict}; {verdict.Resumed} went on inside");
        Assert.True(verdict.IsClean && verdict.Right == ItemCount, $"{verdict}{Environment.NewLine}{cluster.Processes.TellLogs()}");
        Assert.True(verdict.Resumed > 0, "No picture was gone on with inside.");
        AssertNoSecrets();
    }

    private int[] StartCounts() => [.. cluster.Processes.All.Select(process => process.StartCount)];

    private int RefusalCount() => cluster.Processes.Workers.Sum(worker => worker.ReadLog().Split("The blob store refuses a file of").Length - 1);

    private void AssertNoSecrets()
    {
        foreach (var process in cluster.Processes.All)
        {
            var log = process.ReadLog();
            Assert.NotEmpty(log);
            foreach (var secret in (string[])[CephServer.AccessKey, CephServer.SecretKey, "X-Amz-Signature", "AWS4-HMAC"])
                Assert.DoesNotContain(secret, log, StringComparison.OrdinalIgnoreCase);
        }
    }

    public sealed class Cluster(ObjectStoreFixture stores) : DisturbedCluster
    {
        private ObjectStoreOptions? _direct;

        internal FaultyRelay Relay { get; private set; } = null!;

        private protected override async Task<(ProcessClusterPlan? Plan, string? Refusal)> CompleteAsync(ProcessClusterPlan plan)
        {
            var (ceph, refusal) = await stores.TryCephAsync();
            if (ceph is null) return (null, refusal);
            Relay = new(ceph.Port);
            _direct = await stores.InCephAsync();
            return (plan with
            {
                Settings = new Dictionary<string, string>
                {
                    ["Cluster:Blobs"] = ClusterConnection.ObjectStore,
                    ["Cluster:S3:Endpoint"] = Relay.Endpoint,
                    ["Cluster:S3:Bucket"] = _direct.Bucket!,
                    ["Cluster:S3:Prefix"] = _direct.Prefix!,
                    ["Cluster:S3:AccessKeyFile"] = _direct.AccessKeyFile!,
                    ["Cluster:S3:SecretKeyFile"] = _direct.SecretKeyFile!,
                    ["Logging:LogLevel:Default"] = "Debug",
                },
            }, null);
        }

        private protected override ClusterConnection ConnectionOf(DataFolder data) => new() { DataFolder = data.FullPath, Blobs = ClusterConnection.ObjectStore, S3 = _direct! };

        private protected override Task EndStoreAsync()
        {
            Relay?.Dispose();
            return Task.CompletedTask;
        }
    }
}
