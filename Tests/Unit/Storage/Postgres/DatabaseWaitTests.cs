using Emu3.Storage.Postgres;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Emu3.Tests.Unit.Storage.Postgres;

[Trait("Suite", "Fast")]
public sealed class DatabaseWaitTests : IAsyncDisposable
{
    private static readonly NpgsqlException s_silent = new("Failed to connect to 10.0.0.1:5432", new IOException("Connection refused"));
    private static readonly SchemaMissingException s_noTables = new("The database emu3 on db has no tables of this program. Make them: emu3 database apply --connection-string …");

    private readonly FakeTimeProvider _time = new() { AutoAdvanceAmount = TimeSpan.Zero };
    private readonly NpgsqlDataSource _database = PostgresConnection.Open("Host=db;Database=emu3;Username=emu3;Password=hush");
    private readonly List<string> _told = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    /// <summary>A misspelt host is told at once, not when the patience is spent.</summary>
    [Fact]
    public async Task Database_ThatComes_IsWaitedFor_AndEachThingThatItLacksIsToldOnce()
    {
        var result = await RunAsync(
            TimeSpan.FromMinutes(5), [s_silent, s_silent, s_silent, new PostgresException("database \"emu3\" does not exist", "FATAL", "FATAL", "3D000"), s_noTables, s_noTables]);

        Assert.Equal(7, result);
        Assert.Equal(3, _told.Count);
        Assert.Contains("database emu3 on db:5432 does not answer: Failed to connect to 10.0.0.1:5432: Connection refused.", _told[0], StringComparison.Ordinal);
        Assert.Contains("every 0.5 s, for 300 s in all", _told[0], StringComparison.Ordinal);
        Assert.Contains("is not ready: 3D000: database \"emu3\" does not exist.", _told[1], StringComparison.Ordinal);
        Assert.Contains("emu3 database apply", _told[2], StringComparison.Ordinal);
        Assert.All(_told, line => Assert.DoesNotContain("hush", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Database_ThatDoesNotCome_IsGivenUp_AndToldEveryHalfAMinuteBefore()
    {
        var refused = await Assert.ThrowsAsync<DatabaseException>(() => RunAsync(TimeSpan.FromSeconds(100), [.. Enumerable.Repeat<Exception>(s_noTables, 1000)]));

        Assert.Contains("emu3 database apply", refused.Message, StringComparison.Ordinal);
        Assert.Contains("waited for 100 s", refused.Message, StringComparison.Ordinal);
        Assert.Equal(4, _told.Count);
        Assert.Contains("Waited 30 s so far", _told[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Database_ThatNobodyWaitsFor_IsRefusedAtOnce()
    {
        var refused = await Assert.ThrowsAsync<DatabaseException>(() => RunAsync(TimeSpan.Zero, [s_silent]));

        Assert.Contains("does not answer", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("waited", refused.Message, StringComparison.Ordinal);
        Assert.Empty(_told);
    }

    /// <summary>Waiting mends no password and no tables of a later program.</summary>
    [Fact]
    public async Task Database_ThatRefusesForGood_IsNotWaitedFor()
    {
        var password = new PostgresException("password authentication failed", "FATAL", "FATAL", "28P01");
        var refused = await Assert.ThrowsAsync<DatabaseException>(() => RunAsync(TimeSpan.FromMinutes(5), [password]));
        Assert.Contains("can't be used: 28P01: password authentication failed.", refused.Message, StringComparison.Ordinal);

        var later = new DatabaseException("The tables are of version 1000.");
        Assert.Same(later, await Assert.ThrowsAsync<DatabaseException>(() => RunAsync(TimeSpan.FromMinutes(5), [later])));
        Assert.Empty(_told);
    }

    /// <summary>Throws one after the other, then returns 7. Time passes while the wait waits.</summary>
    private async Task<int> RunAsync(TimeSpan patience, IReadOnlyList<Exception> refusals)
    {
        var tries = 0;
        var wait = new DatabaseWait(patience, _time, _told.Add).UntilAsync(
            _database, () => tries < refusals.Count ? Task.FromException<int>(refusals[tries++]) : Task.FromResult(7), Cancellation);
        while (!wait.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Yield();
        }

        return await wait;
    }
}
