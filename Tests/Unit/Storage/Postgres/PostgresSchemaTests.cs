using Emu3.Cli;
using Emu3.Storage;
using Emu3.Storage.Postgres;
using Emu3.Tests.Cluster;
using Emu3.Tests.Fakes;
using Npgsql;

namespace Emu3.Tests.Unit.Storage.Postgres;

[Trait("Suite", "Cluster")]
public sealed class PostgresSchemaTests(PostgresFixture server) : IAsyncLifetime
{
    private NpgsqlDataSource? _database;
    private string? _refusal;
    private string? _connectionString;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private NpgsqlDataSource Database
    {
        get
        {
            Assert.SkipWhen(_database is null, _refusal ?? "");
            return _database!;
        }
    }

    public async ValueTask InitializeAsync()
    {
        (_connectionString, _refusal) = await server.TryCreateDatabaseAsync(isEmpty: true);
        if (_connectionString is not null) _database = PostgresConnection.Open(_connectionString);
    }

    public async ValueTask DisposeAsync()
    {
        if (_database is not null) await _database.DisposeAsync();
    }

    [Fact]
    public async Task Apply_ManyAtOnce_OneMakesAllAndTheOthersFindItDone()
    {
        var changes = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => PostgresSchema.ApplyAsync(Database, Cancellation)));

        var first = Assert.Single(changes, change => change.VersionBefore == 0);
        Assert.Equal(["emu3_membership", "emu3_membership_version", "emu3_reminder", "emu3_schema", "emu3_state", "orleansquery"], first.TablesMade);
        Assert.Equal(20, first.StatementsRenewed);
        Assert.All(changes.Except([first]), change => Assert.Equal((StoreVersion.OfProgram.Number, 0, 0), (change.VersionBefore, change.TablesMade.Count, change.StatementsRenewed)));
    }

    [Fact]
    public async Task Apply_OnAStatementThatWasChanged_RenewsIt()
    {
        await PostgresSchema.ApplyAsync(Database, Cancellation);
        await ExecuteAsync("UPDATE OrleansQuery SET QueryText = 'SELECT 1' WHERE QueryKey = 'WriteToStorageKey'");

        Assert.Equal(1, (await PostgresSchema.ApplyAsync(Database, Cancellation)).StatementsRenewed);
    }

    [Fact]
    public async Task Apply_OverALaterVersion_IsRefused()
    {
        await PostgresSchema.ApplyAsync(Database, Cancellation);
        await ExecuteAsync("UPDATE emu3_schema SET version = 1000, oldest = 1000");

        var refused = await Assert.ThrowsAsync<DatabaseException>(() => PostgresSchema.ApplyAsync(Database, Cancellation));

        Assert.Contains("version 1000", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, 1, 1, null)]
    [InlineData(2, 2, 1, "belongs to a later release: programs from store version 2 on can use it, and this one has version 1")]
    [InlineData(2, 1, 3, "needs version 3")]
    public async Task Require_TablesOfAnotherRelease_PassesWhereTheyCanBeUsed(int version, int oldest, int mine, string? reason)
    {
        await PostgresSchema.ApplyAsync(Database, Cancellation, new(version, oldest));

        var failure = await Record.ExceptionAsync(() => PostgresSchema.RequireAsync(Database, Cancellation, new(mine, mine)));

        if (reason is null) Assert.Null(failure);
        else Assert.Contains(reason, Assert.IsAssignableFrom<DatabaseException>(failure).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Require_TablesFromBeforeTheColumn_DemandsTheirOwnVersion()
    {
        await PostgresSchema.ApplyAsync(Database, Cancellation);
        await ExecuteAsync("ALTER TABLE emu3_schema DROP COLUMN oldest");

        await PostgresSchema.RequireAsync(Database, Cancellation);
        await ExecuteAsync("UPDATE emu3_schema SET version = 2");
        await Assert.ThrowsAsync<DatabaseException>(() => PostgresSchema.RequireAsync(Database, Cancellation, new(1, 1)));
    }

    [Fact]
    public async Task Apply_OverALaterVersionThatCanBeUsed_LeavesItAlone()
    {
        await PostgresSchema.ApplyAsync(Database, Cancellation, new(2, 1));

        var change = await PostgresSchema.ApplyAsync(Database, Cancellation, new(1, 1));

        Assert.Equal((2, 2, 0, 0), (change.VersionBefore, change.Version, change.TablesMade.Count, change.StatementsRenewed));
    }

    /// <summary>They would misread what silos of the later release write beside them.</summary>
    [Fact]
    public async Task Apply_OfAChangeThatRunningSilosCannotUse_IsRefusedWhileTheyRun()
    {
        await PostgresSchema.ApplyAsync(Database, Cancellation, new(1, 1));
        await ExecuteAsync("INSERT INTO emu3_membership VALUES ('emu3', '10.0.0.1', 11111, 1, 'control-0', 'node', 3, 30000, NULL, now(), now())");
        await PostgresSchema.ApplyAsync(Database, Cancellation, new(2, 1)); // they can go on

        var refused = await Assert.ThrowsAsync<DatabaseException>(() => PostgresSchema.ApplyAsync(Database, Cancellation, new(3, 3)));

        Assert.Contains("control-0 at 10.0.0.1:11111", refused.Message, StringComparison.Ordinal);
        await ExecuteAsync("UPDATE emu3_membership SET status = 6");
        Assert.Equal(2, (await PostgresSchema.ApplyAsync(Database, Cancellation, new(3, 3))).VersionBefore);
    }

    [Fact]
    public async Task Enter_WithoutTables_TellsHowToMakeThem_AndWaitsForThem()
    {
        using var folder = new TemporaryFolder();
        _ = Database;
        var connection = new ClusterConnection { Provider = ClusterConnection.Postgres, ConnectionString = _connectionString, BlobFolder = folder.PathTo("blobs"), DatabaseWait = TimeSpan.Zero };

        var refused = await Assert.ThrowsAsync<DatabaseException>(() => connection.EnterAsync(_ => { }, Cancellation));
        Assert.Contains("emu3 database apply", refused.Message, StringComparison.Ordinal);

        connection.DatabaseWait = TimeSpan.FromMinutes(1);
        var told = new TaskCompletionSource<string>();
        var entering = connection.EnterAsync(line => told.TrySetResult(line), Cancellation);
        Assert.Contains("emu3 database apply", await told.Task.WaitAsync(Cancellation), StringComparison.Ordinal);
        await PostgresSchema.ApplyAsync(Database, Cancellation);
        Assert.Null(await entering);
        Assert.True(Directory.Exists(folder.PathTo("blobs")));
    }

    [Fact]
    public async Task Command_SaysWhatItDid_AndASecondOneThatNothingWasToDo()
    {
        using var folder = new TemporaryFolder();
        _ = Database;
        await File.WriteAllTextAsync(folder.PathTo("secret"), _connectionString + "\n", Cancellation);

        var (firstCode, first) = await RunAsync("database", "apply", "--connection-string-file", folder.PathTo("secret"));
        var (secondCode, second) = await RunAsync("database", "apply", "--connection-string", _connectionString!);

        Assert.Equal((0, 0), (firstCode, secondCode));
        Assert.Contains("made emu3_membership", first, StringComparison.Ordinal);
        Assert.Contains("nothing to do", second, StringComparison.Ordinal);
    }

    /// <summary>As an init container runs it, which has the settings of the silo that it is started before.</summary>
    [Fact]
    public async Task Command_WithoutADatabase_TakesTheOneOfTheEnvironment()
    {
        _ = Database;
        await using var emu = EmuProcess.Start(new Dictionary<string, string> { ["Cluster__ConnectionString"] = _connectionString! }, "database", "apply", "--wait");

        Assert.True(await emu.EndAsync(Cancellation) == 0, emu.Text);
        Assert.Contains("made emu3_membership", emu.Text, StringComparison.Ordinal);
        var (code, text) = await RunAsync("database", "apply");
        Assert.Equal(2, code);
        Assert.Contains("Cluster__ConnectionStringFile", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_ToldToWait_SaysForWhat_AndGivesUpInTime()
    {
        const string nobody = "Host=127.0.0.1;Port=1;Database=emu3;Username=emu3";
        var (code, text) = await RunAsync("database", "apply", "--connection-string", nobody, "--wait=1");
        Assert.Equal(3, code);
        Assert.Contains("does not answer", text, StringComparison.Ordinal);
        Assert.Contains("for 1 s in all", text, StringComparison.Ordinal);

        (code, text) = await RunAsync("database", "apply", "--connection-string", nobody);
        Assert.Equal(3, code);
        Assert.DoesNotContain("tried again", text, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("database", "apply", "--connection-string", nobody, "--wait=-1")).ExitCode);
        Assert.Equal(2, (await RunAsync("database", "apply", "--connection-string", nobody, "--wait=soon")).ExitCode);
    }

    private static async Task<(int ExitCode, string Text)> RunAsync(params string[] arguments)
    {
        var output = new StringWriter();
        var console = new CliConsole { Out = output, Error = output, OpenInput = () => Stream.Null, IsLive = false, Time = TimeProvider.System };
        return (await CommandLine.RunAsync(arguments, console, Cancellation), output.ToString());
    }

    private async Task ExecuteAsync(string text)
    {
        await using var command = Database.CreateCommand(text);
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}
