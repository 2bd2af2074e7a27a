using Emu3.Benchmarks.Processes;

namespace Emu3.Tests.Cluster.Processes;

/// <summary>On SQLite, shared by the processes of a machine.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class EmbeddedKillMatrixTests(EmbeddedKillMatrixTests.Cluster cluster, ITestOutputHelper output)
    : KillMatrixTests(cluster, output), IClassFixture<EmbeddedKillMatrixTests.Cluster>
{
    public sealed class Cluster : DisturbedCluster
    {
        private protected override Task<(ProcessClusterPlan? Plan, string? Refusal)> CompleteAsync(ProcessClusterPlan plan) =>
            Task.FromResult<(ProcessClusterPlan?, string?)>((plan, null));
    }
}
