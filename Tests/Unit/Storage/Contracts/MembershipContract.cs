using System.Globalization;
using System.Net;

namespace Emu3.Tests.Unit.Storage.Contracts;

public abstract class MembershipContract : StoreContract
{
    private static readonly DateTime s_start = new(2026, 11, 24, 12, 0, 0, DateTimeKind.Utc);

    private IMembershipTable Table => Stores.Members;

    [Fact]
    public async Task Insert_GivesTheEntryBack()
    {
        var entry = Entry(1);

        Assert.True(await InsertAsync(entry));

        var (read, _) = Assert.Single((await Table.ReadRowAsync(entry.SiloAddress, Cancellation)).Members);
        Assert.Equal(
            (entry.SiloAddress, entry.HostName, entry.SiloName, entry.ProxyPort, entry.Status, entry.StartTime, entry.IAmAliveTime),
            (read.SiloAddress, read.HostName, read.SiloName, read.ProxyPort, read.Status, read.StartTime, read.IAmAliveTime));
        Assert.Empty((await Table.ReadRowAsync(Entry(2).SiloAddress, Cancellation)).Members);
    }

    [Fact]
    public async Task Update_GivesStatusAndVotesBack_AndTakesTheVersionOn()
    {
        await InsertAsync(Entry(1));
        var before = await Table.ReadAllAsync(Cancellation);
        var entry = Entry(1);
        entry.Status = SiloStatus.Dead;
        entry.SuspectTimes = [Tuple.Create(Entry(2).SiloAddress, s_start), Tuple.Create(Entry(3).SiloAddress, s_start.AddSeconds(2))];

        Assert.True(await Table.UpdateRowAsync(entry, before.Members[0].Item2, before.Version.Next(), Cancellation));

        var after = await (await OpenAsync()).Members.ReadAllAsync(Cancellation);
        Assert.Equal(SiloStatus.Dead, after.Members[0].Item1.Status);
        Assert.Equal(entry.SuspectTimes, after.Members[0].Item1.SuspectTimes);
        Assert.Equal(before.Version.Version + 1, after.Version.Version);
    }

    [Fact]
    public async Task Insert_WithAnOldTableVersion_OrOfASiloThatIsThere_IsRefusedAndChangesNothing()
    {
        var old = (await Table.ReadAllAsync(Cancellation)).Version.Next();
        Assert.True(await Table.InsertRowAsync(Entry(1), old, Cancellation));

        Assert.False(await Table.InsertRowAsync(Entry(2), old, Cancellation));
        Assert.False(await InsertAsync(Entry(1)));
        var all = await Table.ReadAllAsync(Cancellation);
        Assert.Single(all.Members);
        Assert.Equal(1, all.Version.Version);
    }

    [Fact]
    public async Task Update_OnWhatWasReadBeforeAnother_OrOfASiloThatIsNotThere_IsRefused()
    {
        await InsertAsync(Entry(1));
        var before = await Table.ReadAllAsync(Cancellation);
        var entry = Entry(1);
        entry.Status = SiloStatus.ShuttingDown;
        Assert.True(await Table.UpdateRowAsync(entry, before.Members[0].Item2, before.Version.Next(), Cancellation));

        entry.Status = SiloStatus.Active;
        Assert.False(await Table.UpdateRowAsync(entry, before.Members[0].Item2, before.Version.Next(), Cancellation));
        var now = await Table.ReadAllAsync(Cancellation);
        Assert.False(await Table.UpdateRowAsync(Entry(2), now.Members[0].Item2, now.Version.Next(), Cancellation));

        Assert.Equal(SiloStatus.ShuttingDown, (await Table.ReadAllAsync(Cancellation)).Members[0].Item1.Status);
        Assert.Equal(2, (await Table.ReadAllAsync(Cancellation)).Version.Version);
    }

    [Fact]
    public async Task Inserts_ManyAtOnce_OneWinsEachVersion()
    {
        await Task.WhenAll(Enumerable.Range(1, 10).Select(async port =>
        {
            while (!await InsertAsync(Entry(port))) await Task.Yield();
        }));

        var all = await Table.ReadAllAsync(Cancellation);
        Assert.Equal(10, all.Members.Count);
        Assert.Equal(10, all.Version.Version);
    }

    [Fact]
    public async Task Updates_OnOneReadAtOnce_OneWins()
    {
        await InsertAsync(Entry(1));
        var before = await Table.ReadAllAsync(Cancellation);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ =>
        {
            await Task.Yield();
            return await Table.UpdateRowAsync(Entry(1), before.Members[0].Item2, before.Version.Next(), Cancellation);
        }));

        Assert.Single(outcomes, isWinner => isWinner);
    }

    [Fact]
    public async Task IAmAlive_ChangesTheTimeAlone()
    {
        await InsertAsync(Entry(1));
        var entry = Entry(1);
        entry.IAmAliveTime = s_start.AddMinutes(3);
        entry.Status = SiloStatus.Dead;

        await Table.UpdateIAmAliveAsync(entry, Cancellation);

        var all = await Table.ReadAllAsync(Cancellation);
        Assert.Equal(entry.IAmAliveTime, all.Members[0].Item1.IAmAliveTime);
        Assert.Equal(SiloStatus.Active, all.Members[0].Item1.Status);
        Assert.Equal(1, all.Version.Version);
    }

    [Fact]
    public async Task Clusters_DontSeeEachOther()
    {
        await InsertAsync(Entry(1));
        var another = (await OpenAsync("another-" + Guid.NewGuid().ToString("N"))).Members;

        Assert.Empty((await another.ReadAllAsync(Cancellation)).Members);
        Assert.True(await another.InsertRowAsync(Entry(1), (await another.ReadAllAsync(Cancellation)).Version.Next(), Cancellation));
        Assert.Single((await Table.ReadAllAsync(Cancellation)).Members);
    }

    [Fact]
    public async Task Gateways_AreThoseOfActiveSilosThatHaveOne()
    {
        var dead = Entry(2);
        dead.Status = SiloStatus.Dead;
        var withoutGateway = Entry(3);
        withoutGateway.ProxyPort = 0;
        foreach (var entry in (MembershipEntry[])[Entry(1), dead, withoutGateway]) Assert.True(await InsertAsync(entry));

        var gateway = Assert.Single(await Stores.Gateways.GetGatewaysAsync(Cancellation));

        Assert.Equal(30001, gateway.Port);
    }

    [Fact]
    public async Task Cleanup_RemovesOldDeadSilosOnly()
    {
        var old = Entry(2);
        old.Status = SiloStatus.Dead;
        var fresh = Entry(3);
        (fresh.Status, fresh.IAmAliveTime) = (SiloStatus.Dead, s_start.AddDays(2));
        foreach (var entry in (MembershipEntry[])[Entry(1), old, fresh]) Assert.True(await InsertAsync(entry));

        await Table.CleanupDefunctSiloEntriesAsync(new DateTimeOffset(s_start.AddDays(1)), Cancellation);

        Assert.Equal([1, 3], (await Table.ReadAllAsync(Cancellation)).Members.Select(row => row.Item1.SiloAddress.Endpoint.Port).Order());
    }

    private async Task<bool> InsertAsync(MembershipEntry entry) => await Table.InsertRowAsync(entry, (await Table.ReadAllAsync(Cancellation)).Version.Next(), Cancellation);

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
