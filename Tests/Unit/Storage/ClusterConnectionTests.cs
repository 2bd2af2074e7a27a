using Emu3.Storage;
using Emu3.Storage.Configuration;
using Emu3.Storage.Postgres;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Emu3.Tests.Unit.Storage;

[Trait("Suite", "Fast")]
public sealed class ClusterConnectionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_OfAConnectionString_OrOfAFileThatHoldsIt_GivesIt()
    {
        File.WriteAllText(_folder.PathTo("secret"), "Host=db;Database=emu3;Password=x\n");

        Assert.Equal("Host=db;Database=emu3", Read(("Provider", "Postgres"), ("ConnectionString", "Host=db;Database=emu3")).ReadConnectionString());
        Assert.Equal("Host=db;Database=emu3;Password=x", Read(("Provider", "Postgres"), ("ConnectionStringFile", _folder.PathTo("secret"))).ReadConnectionString());
    }

    [Theory]
    [InlineData("Postgres", null, null, "Cluster:ConnectionString", "neither is")]
    [InlineData("Postgres", "Host=db;Database=emu3", "secret", "Cluster:ConnectionString", "both are")]
    [InlineData("Postgres", null, "secret", "Cluster:ConnectionStringFile", "can't be read")]
    [InlineData("Postgres", "Host=db", null, "Cluster:ConnectionString", "names no Database")]
    [InlineData("Postgres", "Database=emu3", null, "Cluster:ConnectionString", "names no Host")]
    [InlineData("Postgres", "Hots=db;Database=emu3", null, "Cluster:ConnectionString", "none that PostgreSQL's driver reads")]
    [InlineData("Embedded", "Host=db;Database=emu3", null, "Cluster:ConnectionString", "Cluster:Provider is Embedded")]
    [InlineData("Embedded", null, "secret", "Cluster:ConnectionStringFile", "Cluster:Provider is Embedded")]
    public void Read_OfSomethingWrong_NamesIt(string provider, string? text, string? file, string key, string reason)
    {
        var wrong = Assert.Throws<ConfigurationException>(() => Read(("Provider", provider), ("ConnectionString", text), ("ConnectionStringFile", file is null ? null : _folder.PathTo(file))));

        var problem = Assert.Single(wrong.Problems);
        Assert.StartsWith(key + ":", problem, StringComparison.Ordinal);
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Blobs_LieInTheDataFolder_UnlessTheirOwnIsNamed()
    {
        Assert.Equal(_folder.PathTo("blobs"), Read(("DataFolder", _folder.FullPath)).BlobPath);
        Assert.Equal("/mnt/shared", Read(("DataFolder", _folder.FullPath), ("BlobFolder", "/mnt/shared")).BlobPath);
    }

    [Fact]
    public void Open_SetsWhatTheStringLeavesOut_AndKeepsWhatItSays()
    {
        using var ours = PostgresConnection.Open("Host=db;Database=emu3");
        using var told = PostgresConnection.Open("Host=db;Database=emu3;Maximum Pool Size=3;Keepalive=0;Timeout=60");

        Assert.Equal((16, 10, 4), Settings(ours));
        Assert.Equal((3, 0, 60), Settings(told));
        static (int, int, int) Settings(NpgsqlDataSource database) => new NpgsqlConnectionStringBuilder(database.ConnectionString) is var read ? (read.MaxPoolSize, read.KeepAlive, read.Timeout) : default;
    }

    private static ClusterConnection Read(params (string Key, string? Value)[] pairs)
    {
        var values = pairs.Where(pair => pair.Value is not null).ToDictionary(pair => $"Cluster:{pair.Key}", pair => pair.Value);
        var reader = new ConfigurationReader(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        var connection = reader.Section<ClusterConnection>(ClusterConnection.Section);
        reader.ThrowIfWrong();
        return connection;
    }
}
