using Emu3.Benchmarks.Processes;
using Emu3.Storage;
using Microsoft.Data.Sqlite;

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

        /// <summary>SQLite's locks are those of processes: one that is frozen inside a transaction keeps the file from all others.</summary>
        private protected override bool CanWrite(DataFolder data) => CanWrite(data.StateFile) && CanWrite(data.MembershipFile);

        private static bool CanWrite(string file)
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, DefaultTimeout = 1, Pooling = false }.ToString());
            connection.Open();
            try
            {
                connection.BeginTransaction(deferred: false).Dispose();
                return true;
            }
            catch (SqliteException refused) when (refused.SqliteErrorCode == 5) // SQLITE_BUSY
            {
                return false;
            }
        }
    }
}
