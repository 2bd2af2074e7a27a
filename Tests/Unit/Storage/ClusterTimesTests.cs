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

    /// <summary>It was tried first otherwise, and a slim image, which has no library for it, would say so at each start.</summary>
    [Theory]
    [InlineData("", GssEncryptionMode.Disable)]
    [InlineData(";GSS Encryption Mode=Require", GssEncryptionMode.Require)]
    public void Database_IsNotEncryptedByKerberos_UnlessItsConnectionStringSaysSo(string told, GssEncryptionMode expected)
    {
        using var source = PostgresConnection.Open(Database + told);
        Assert.Equal(expected, new NpgsqlConnectionStringBuilder(source.ConnectionString).GssEncryptionMode);
    }
}
