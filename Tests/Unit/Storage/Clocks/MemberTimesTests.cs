using System.Net;
using Emu3.Storage.Clocks;

namespace Emu3.Tests.Unit.Storage.Clocks;

[Trait("Suite", "Fast")]
public sealed class MemberTimesTests
{
    private static readonly DateTimeOffset s_start = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(15);
    private static readonly SiloAddress s_silo = SiloAddress.New(IPAddress.Loopback, 11111, 1);
    private readonly SteadyTimeTests.SettableTime _time = new(s_start);
    private readonly MemberTimes _times;

    public MemberTimesTests() => _times = new(_time, s_silence);

    [Fact]
    public void Silo_WhoseTimeLiesInThePast_IsAsOldAsItSays() => Assert.Equal(TimeSpan.FromSeconds(9), AgeOf(TimeSpan.FromSeconds(-9)));

    /// <summary>It is looked at whether it answers; if it lives it says so before long.</summary>
    [Fact]
    public void Silo_WhoseTimeLiesInTheFuture_IsSilent_UntilThatChanges()
    {
        var ahead = TimeSpan.FromHours(1);
        Assert.True(AgeOf(ahead) > s_silence);
        _time.Pass(TimeSpan.FromSeconds(4));
        Assert.True(AgeOf(ahead) > s_silence + TimeSpan.FromSeconds(4));

        Assert.Equal(TimeSpan.Zero, AgeOf(ahead + TimeSpan.FromSeconds(5)));
        _time.Pass(TimeSpan.FromSeconds(16));
        Assert.True(AgeOf(ahead + TimeSpan.FromSeconds(5)) > s_silence);
    }

    [Fact]
    public void Silo_WhoseClockIsBehind_LivesWhenItSaysSo()
    {
        var behind = TimeSpan.FromHours(-1);
        Assert.Equal(TimeSpan.FromHours(1), AgeOf(behind));
        Assert.Equal(TimeSpan.Zero, AgeOf(behind + TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public void Start_InTheFuture_IsNoSignOfLife()
    {
        var entry = Read(TimeSpan.Zero, started: TimeSpan.FromHours(1));
        Assert.True(entry.StartTime <= entry.IAmAliveTime && entry.IAmAliveTime < s_start);
    }

    [Fact]
    public void Dead_IsLeftAsItIs()
    {
        var entry = Read(TimeSpan.FromHours(1), status: SiloStatus.Dead);
        Assert.Equal(s_start.AddHours(1).UtcDateTime, entry.IAmAliveTime);
    }

    /// <summary>One whose row is gone and comes again is new.</summary>
    [Fact]
    public void Silo_ThatLeftTheTable_IsForgotten()
    {
        AgeOf(TimeSpan.FromHours(1));
        _times.Translate(new([], new(2, "2")), isAll: true);
        Assert.Equal(TimeSpan.FromSeconds(1), AgeOf(TimeSpan.FromSeconds(-1)));
    }

    private TimeSpan AgeOf(TimeSpan alive) => _time.GetUtcNow().UtcDateTime - Read(alive).IAmAliveTime;

    private MembershipEntry Read(TimeSpan alive, TimeSpan? started = null, SiloStatus status = SiloStatus.Active)
    {
        // Without a kind, as PostgreSQL's driver gives times.
        var entry = new MembershipEntry
        {
            SiloAddress = s_silo,
            Status = status,
            StartTime = DateTime.SpecifyKind((s_start + (started ?? TimeSpan.FromDays(-1))).UtcDateTime, DateTimeKind.Unspecified),
            IAmAliveTime = DateTime.SpecifyKind((s_start + alive).UtcDateTime, DateTimeKind.Unspecified),
        };
        return _times.Translate(new([Tuple.Create(entry, "1")], new(1, "1")), isAll: true).Members.Single().Item1;
    }
}
