using Emu3.Benchmarks.Processes;
using Emu3.Storage.Postgres;
using Emu3.Tests.Fakes;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace Emu3.Tests.Fakes;

/// <summary>One PostgreSQL server for all tests of a run, started by the first that asks. A test that kills the server starts one of its own.</summary>
public sealed class PostgresFixture : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly TemporaryFolder _folder = new();
    private Task<(PostgresServer? Server, string? Refusal)>? _start;
    private int _databaseCount;

    /// <summary>Connection string of a database of its own, with our tables; null with the reason where there is no PostgreSQL.</summary>
    public async Task<(string? ConnectionString, string? Refusal)> TryCreateDatabaseAsync(bool isEmpty = false)
    {
        lock (_lock) _start ??= PostgresServer.TryStartAsync(_folder.PathTo("pg"));
        var (server, refusal) = await _start;
        if (server is null) return (null, refusal);
        var connectionString = await server.CreateDatabaseAsync($"test_{Interlocked.Increment(ref _databaseCount)}");
        if (isEmpty) return (connectionString, null);
        await using var database = PostgresConnection.Open(connectionString);
        await PostgresSchema.ApplyAsync(database, CancellationToken.None);
        return (connectionString, null);
    }

    public async ValueTask DisposeAsync()
    {
        if (_start is not null && (await _start).Server is { } server) await server.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>A database for all tests of a class.</summary>
public sealed class PostgresDatabase(PostgresFixture server) : IAsyncLifetime
{
    private string? _connectionString;
    private string? _refusal;

    /// <summary>Skips the test that asks where there is no PostgreSQL.</summary>
    public string ConnectionString
    {
        get
        {
            Assert.SkipWhen(_connectionString is null, _refusal ?? "");
            return _connectionString!;
        }
    }

    public async ValueTask InitializeAsync() => (_connectionString, _refusal) = await server.TryCreateDatabaseAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
