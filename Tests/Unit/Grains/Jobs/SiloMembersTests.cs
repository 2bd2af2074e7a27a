using System.Collections.Immutable;
using System.Net;
using Emu3.Grains.Jobs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Tests.Unit.Grains.Jobs;

[Trait("Suite", "Fast")]
public sealed class SiloMembersTests
{
    private readonly Membership _membership = new();

    private SiloMembers Members => new(_membership, NullLogger<SiloMembers>.Instance);

    [Fact]
    public async Task Silo_ThatJoinedAMomentAgo_IsNotGone()
    {
        _membership.Table[Silo(1, 5)] = SiloStatus.Active; // in the table, and not yet in this silo's view

        Assert.False(Members.IsGone(Silo(1, 5).ToParsableString()));
        Assert.Empty(await Members.FindGoneAsync([Silo(1, 5).ToParsableString()]));
        Assert.Equal(1, _membership.RefreshCount);
        Assert.Empty(await Members.FindGoneAsync([Silo(1, 5).ToParsableString()]));
        Assert.Equal(1, _membership.RefreshCount); // known now
    }

    [Fact]
    public async Task Silo_OfAnEarlierCluster_IsGone_OnceTheTableWasRead()
    {
        Assert.False(Members.IsGone(Silo(1, 5).ToParsableString()));
        Assert.Equal([Silo(1, 5).ToParsableString()], await Members.FindGoneAsync([Silo(1, 5).ToParsableString()]));
    }

    [Theory]
    [InlineData(SiloStatus.Dead, true)]
    [InlineData(SiloStatus.Active, false)]
    [InlineData(SiloStatus.Joining, false)]
    [InlineData(SiloStatus.ShuttingDown, false)] // it drains, and gives back what it has
    public async Task Silo_OfTheTable_IsGoneWhenItIsDead(SiloStatus status, bool isGone)
    {
        _membership.Table[Silo(1, 5)] = status;
        await _membership.Refresh(default, TestContext.Current.CancellationToken);

        Assert.Equal(isGone, Members.IsGone(Silo(1, 5).ToParsableString()));
    }

    [Fact]
    public async Task Silo_WhosePlaceAnotherTook_IsGone()
    {
        _membership.Table[Silo(1, 6)] = SiloStatus.Active;
        await _membership.Refresh(default, TestContext.Current.CancellationToken);

        Assert.True(Members.IsGone(Silo(1, 5).ToParsableString()));
        Assert.False(Members.IsGone(Silo(1, 7).ToParsableString()));
        Assert.False(Members.IsGone(Silo(2, 5).ToParsableString()));
    }

    [Fact]
    public async Task Table_ThatCantBeRead_MakesNobodyGone()
    {
        _membership.IsDown = true;

        Assert.Empty(await Members.FindGoneAsync([Silo(1, 5).ToParsableString()]));
    }

    private static SiloAddress Silo(int host, int generation) => SiloAddress.New(IPAddress.Parse($"10.0.0.{host}"), 11111, generation);

    private sealed class Membership : IClusterMembershipService
    {
        public Dictionary<SiloAddress, SiloStatus> Table { get; } = [];
        public bool IsDown { get; set; }
        public int RefreshCount { get; private set; }
        public ClusterMembershipSnapshot CurrentSnapshot { get; private set; } = new(ImmutableDictionary<SiloAddress, ClusterMember>.Empty, new MembershipVersion(0));
        public IAsyncEnumerable<ClusterMembershipSnapshot> MembershipUpdates => throw new NotSupportedException();

        public ValueTask Refresh(MembershipVersion minimumVersion = default, CancellationToken cancellationToken = default)
        {
            if (IsDown) throw new IOException("the table is down");
            RefreshCount++;
            CurrentSnapshot = new(
                Table.ToImmutableDictionary(row => row.Key, row => new ClusterMember(row.Key, row.Value, "silo")), new MembershipVersion(RefreshCount));
            return default;
        }

        public Task<bool> TryKill(SiloAddress siloAddress) => throw new NotSupportedException();
    }
}
