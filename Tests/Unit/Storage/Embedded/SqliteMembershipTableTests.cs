using System.Globalization;
using System.Net;
using Emu3.Storage.Embedded;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Emu3.Tests.Unit.Storage.Embedded;

[Trait("Suite", "Fast")]
public sealed class SqliteMembershipTableTests : IDisposable
{
    private static readonly DateTime s_start = new(2026, 11, 24, 12, 0, 0, DateTimeKind.Utc);
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteDb _db;

    public SqliteMembershipTableTests() => _db = new SqliteDb(_folder.PathTo("membership.db"), SqliteMembershipTable.Schema);

    public void Dispose()
    {
        _db.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Insert_GivesTheEntryBack_WithItsVotes()
    {
        var table = await OpenAsync("a");
        var entry = Entry(1);
        entry.SuspectTimes = [Tuple.Create(Entry(2).SiloAddress, s_start)];

        Assert.True(await table.InsertRow(entry, Next(await table.ReadAll())));

        var (read, etag) = Assert.Single((await table.ReadAll()).Members);
        Assert.Equal(entry.ToFullString(), read.ToFullString());
        Assert.Equal(entry.SuspectTimes, read.SuspectTimes);
        Assert.Equal("1", etag);
    }

    [Fact]
    public async Task Insert_WithAnOldTableVersion_IsRefused()
    {
        var table = await OpenAsync("a");
        var version = Next(await table.ReadAll());
        Assert.True(await table.InsertRow(Entry(1), version));

        Assert.False(await table.InsertRow(Entry(2), version));
        Assert.False(await table.InsertRow(Entry(1), Next(await table.ReadAll())));
        Assert.Single((await table.ReadAll()).Members);
        Assert.Equal(1, (await table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task Update_WithAnOldETag_IsRefused()
    {
        var table = await OpenAsync("a");
        await table.InsertRow(Entry(1), Next(await table.ReadAll()));
        var entry = Entry(1);
        entry.Status = SiloStatus.Dead;

        Assert.True(await table.UpdateRow(entry, "1", Next(await table.ReadAll())));
        Assert.False(await table.UpdateRow(entry, "1", Next(await table.ReadAll())));

        var (read, etag) = Assert.Single((await table.ReadRow(entry.SiloAddress)).Members);
        Assert.Equal(SiloStatus.Dead, read.Status);
        Assert.Equal("2", etag);
    }

    [Fact]
    public async Task Updates_ManyAtOnce_OneWinsEachVersion()
    {
        var table = await OpenAsync("a");
        await Task.WhenAll(Enumerable.Range(1, 10).Select(async port =>
        {
            while (!await table.InsertRow(Entry(port), Next(await table.ReadAll()))) await Task.Yield();
        }));

        var all = await table.ReadAll();
        Assert.Equal(10, all.Members.Count);
        Assert.Equal(10, all.Version.Version);
    }

    [Fact]
    public async Task Initialize_MarksSilosDead_WhoseProcessesAreGone()
    {
        var gone = await OpenAsync("a", ProcessMark.Mine! with { Began = "1" });
        var living = await OpenAsync("a", ProcessMark.Mine);
        var unknown = await OpenAsync("a");
        await gone.InsertRow(Entry(1), Next(await gone.ReadAll()));
        await gone.InsertRow(Entry(2), Next(await gone.ReadAll()));
        await living.InsertRow(Entry(3), Next(await gone.ReadAll()));
        await unknown.InsertRow(Entry(4), Next(await gone.ReadAll()));

        await Task.WhenAll(OpenAsync("a", ProcessMark.Mine), OpenAsync("a", ProcessMark.Mine));

        var all = await living.ReadAll();
        Assert.Equal([1, 2], all.Members.Where(row => row.Item1.Status == SiloStatus.Dead).Select(row => row.Item1.SiloAddress.Endpoint.Port).Order());
        Assert.Equal(6, all.Version.Version);
    }

    private async Task<SqliteMembershipTable> OpenAsync(string cluster, ProcessMark? process = null)
    {
        var table = new SqliteMembershipTable(_db, Options.Create(new ClusterOptions { ClusterId = cluster, ServiceId = "emu3" }), process);
        await table.InitializeMembershipTable(tryInitTableVersion: true);
        return table;
    }

    private static TableVersion Next(MembershipTableData data) => data.Version.Next();

    private static MembershipEntry Entry(int port) => new()
    {
        SiloAddress = SiloAddress.New(IPAddress.Loopback, port, 7),
        HostName = "host",
        SiloName = "silo " + port.ToString(CultureInfo.InvariantCulture),
        RoleName = "role",
        ProxyPort = 30000 + port,
        Status = SiloStatus.Active,
        StartTime = s_start,
        IAmAliveTime = s_start,
    };
}
