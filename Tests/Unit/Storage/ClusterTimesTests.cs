using Emu3.Storage;
using Emu3.Storage.Postgres;
using Npgsql;

namespace Emu3.Tests.Unit.Storage;

[Trait("Suite", "Fast")]
public sealed class ClusterTimesTests
{
    private const string Database = "Host=db;Database=emu3;Username=emu3;Password=hush";

    /// <summary>Whoever waits for a grain that waits for the database hears what the database says.</summary>
    [Fact]
    public void Database_IsGivenUpBeforeTheCallThatNeedsIt()
    {
        using var source = PostgresConnection.Open(Database);
        var set = new NpgsqlConnectionStringBuilder(source.ConnectionString);
        var longest = TimeSpan.FromSeconds(set.Timeout + set.CommandTimeout) + TimeSpan.FromMilliseconds(set.CancellationTimeout);
        Assert.True(longest < ClusterTimes.GrainCall, $"{longest} is not less than {ClusterTimes.GrainCall}.");
        Assert.Equal(ClusterTimes.DatabaseConnect + ClusterTimes.DatabaseCommand + ClusterTimes.DatabaseCancel, longest);
    }

    [Fact]
    public void Database_WhoseConnectionStringSaysOtherwise_IsWaitedForAsThatSays()
    {
        using var source = PostgresConnection.Open($"{Database};Command Timeout=33");
        Assert.Equal(33, new NpgsqlConnectionStringBuilder(source.ConnectionString).CommandTimeout);
    }

    [Fact]
    public void Database_Described_HasNoPassword() => Assert.Equal("database emu3 on db:5432", PostgresConnection.Describe(Database));

    /// <summary>A misspelt host is told at once, not when the patience is spent.</summary>
    [Fact]
    public async Task Database_ThatDoesNotAnswer_IsToldOnce_WithoutItsPassword()
    {
        var told = new List<string>();
        await using var source = PostgresConnection.Open("Host=127.0.0.1;Port=1;Database=emu3;Username=emu3;Password=hush");

        var refused = await Assert.ThrowsAsync<DatabaseException>(() => PostgresSchema.RequireAsync(
            source, TimeSpan.FromSeconds(1.2), TimeProvider.System, told.Add, TestContext.Current.CancellationToken));

        var line = Assert.Single(told);
        Assert.Contains("database emu3 on 127.0.0.1:1 does not answer", line, StringComparison.Ordinal);
        Assert.Contains("every 0.5 s", line, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1:1", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", line + refused.Message, StringComparison.Ordinal);
    }
}
