using System.Globalization;
using Emu3.Storage.Embedded;
using Emu3.Tests.Fakes;
using Microsoft.Data.Sqlite;

namespace Emu3.Tests.Unit.Storage.Embedded;

/// <summary>One file under several writers, each a connection and a thread of its own, as the processes of a cluster have them.</summary>
[Trait("Suite", "Fast")]
public sealed class SharedSqliteTests : IDisposable
{
    private const string Schema = "CREATE TABLE IF NOT EXISTS counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL);";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Writers_ThreeAtOnce_LoseNoWrite_AndNoneWaitsLong()
    {
        var dbs = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => new SqliteDb(_folder.PathTo("state.db"), Schema))));
        var longest = TimeSpan.Zero;
        try
        {
            await Task.WhenAll(dbs.SelectMany((db, writer) => Enumerable.Range(0, 20).Select(lane => Task.Run(async () =>
            {
                for (var number = 0; number < 25; number++)
                {
                    var started = TimeProvider.System.GetTimestamp();
                    await CountAsync(db, lane.ToString(CultureInfo.InvariantCulture));
                    var took = TimeProvider.System.GetElapsedTime(started);
                    lock (_folder) longest = took > longest ? took : longest;
                }
            }))));

            using var connection = dbs[0].Open();
            Assert.Equal(20L * 3 * 25, Scalar(connection, "SELECT sum(value) FROM counter"));
            TestContext.Current.SendDiagnosticMessage("longest write of three writers: {0} ms, commits {1}", longest.TotalMilliseconds, string.Join('+', dbs.Select(db => db.CommitCount)));
            Assert.True(longest < TimeSpan.FromSeconds(10), $"a write waited {longest}");
        }
        finally
        {
            foreach (var db in dbs) db.Dispose();
        }
    }

    /// <summary>As a process that is frozen inside a transaction: SQLite's own patience ends before that one goes on.</summary>
    [Fact]
    public async Task Write_WhileAnotherKeepsTheFileLong_WaitsForIt()
    {
        using var db = new SqliteDb(_folder.PathTo("state.db"), Schema, busySeconds: 1);
        using var frozen = db.Open();
        await using var transaction = frozen.BeginTransaction(deferred: false);
        var writes = Enumerable.Range(0, 5).Select(_ => CountAsync(db, "x")).ToList();

        while (db.RetryCount == 0) await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(writes, write => write.IsCompleted);
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        await Task.WhenAll(writes);

        using var connection = db.Open();
        Assert.Equal(5L, Scalar(connection, "SELECT value FROM counter WHERE name='x'"));
    }

    private static Task<int> CountAsync(SqliteDb db, string name) => db.WriteAsync((connection, transaction) =>
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "INSERT INTO counter VALUES($name, 1) ON CONFLICT DO UPDATE SET value=value+1";
        command.Parameters.AddWithValue("$name", name);
        return command.ExecuteNonQuery();
    });

    private static object? Scalar(SqliteConnection connection, string text)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        return command.ExecuteScalar();
    }
}
