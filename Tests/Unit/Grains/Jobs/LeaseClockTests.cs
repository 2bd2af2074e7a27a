using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Microsoft.Extensions.Time.Testing;

namespace Emu3.Tests.Unit.Grains.Jobs;

[Trait("Suite", "Fast")]
public sealed class LeaseClockTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Lease_NotRenewed_ExpiresAfterTheDeadline()
    {
        var clock = new LeaseClock(_time);
        clock.Start(1);
        clock.Start(2);
        _time.Advance(TimeSpan.FromSeconds(15));
        clock.Renew(new HeldItem(2, 1, 0, 0));
        _time.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal([1], clock.Expired());
        clock.Stop(1);
        Assert.Empty(clock.Expired());
    }

    [Fact]
    public void Progress_IsWhatTheLeaseGeneratedItself()
    {
        var clock = new LeaseClock(_time);
        clock.Start(1);
        clock.Renew(new HeldItem(1, 1, 40, 40));
        Assert.False(clock.HasProgress(1));
        clock.Renew(new HeldItem(1, 1, 41, 40));
        Assert.True(clock.HasProgress(1));

        clock.Start(1); // the next lease
        Assert.False(clock.HasProgress(1));
    }

    [Fact]
    public void Grant_HasItsGraceOnce()
    {
        var clock = new LeaseClock(_time);
        clock.Start(1);
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.False(clock.IsPastGrace(1));
        clock.Renew(new HeldItem(1, 1, 0, 0));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(clock.IsPastGrace(1));
    }
}
