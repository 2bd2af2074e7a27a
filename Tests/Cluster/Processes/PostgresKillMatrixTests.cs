using Emu3.Benchmarks.Processes;

namespace Emu3.Tests.Cluster.Processes;

/// <summary>On PostgreSQL, which can go down as well.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class PostgresKillMatrixTests(PostgresKillMatrixTests.Cluster cluster, ITestOutputHelper output)
    : KillMatrixTests(cluster, output), IClassFixture<PostgresKillMatrixTests.Cluster>
{
    [Fact]
    public Task Database_KilledAndStopped_AndStartedAgain() => DisturbAsync("database", 16, async job =>
    {
        await job.EndedAsync(2);
        await cluster.Database!.RestartAsync();
        await job.EndedAsync(8);
        await cluster.Database.StopAsync();
        await cluster.Database.StartAsync();
    });

    public sealed class Cluster : DisturbedCluster
    {
        internal PostgresServer? Database { get; private set; }

        private protected override async Task<(ProcessClusterPlan? Plan, string? Refusal)> CompleteAsync(ProcessClusterPlan plan)
        {
            (Database, var refusal) = await PostgresServer.TryStartAsync(Path.Combine(plan.Folder, "pg"));
            return Database is null ? (null, refusal) : (plan with { Postgres = Database.ConnectionString }, null);
        }

        private protected override async Task EndStoreAsync()
        {
            if (Database is not null) await Database.DisposeAsync();
        }
    }
}
