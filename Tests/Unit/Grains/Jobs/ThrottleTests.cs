using Emu3.Grains.Jobs;
using Microsoft.Extensions.Time.Testing;

namespace Emu3.Tests.Unit.Grains.Jobs;

[Trait("Suite", "Fast")]
public sealed class ThrottleTests
{
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(50);
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Next_ForTheFirstTimeOrAfterThePeriod_IsAtOnce()
    {
        var pace = new Throttle(s_period, _time);
        Assert.True(pace.NextAsync().IsCompletedSuccessfully);
        _time.Advance(s_period);
        Assert.True(pace.NextAsync().IsCompletedSuccessfully);
    }

    [Fact]
    public void Next_WithinThePeriod_WaitsForItsRest() => OneThread.Run(thread =>
    {
        var pace = new Throttle(s_period, _time);
        Assert.True(pace.NextAsync().IsCompletedSuccessfully);
        _time.Advance(s_period * 0.4);
        var next = pace.NextAsync();
        _time.Advance(s_period * 0.5);
        thread.GoOn();
        Assert.False(next.IsCompleted);
        _time.Advance(s_period * 0.1);
        thread.GoOn();
        Assert.True(next.IsCompletedSuccessfully);

        // The period begins anew when the wait has ended.
        var third = pace.NextAsync();
        _time.Advance(s_period * 0.9);
        thread.GoOn();
        Assert.False(third.IsCompleted);
    });
}
