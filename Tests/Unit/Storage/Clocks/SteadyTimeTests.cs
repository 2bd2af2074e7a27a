using Emu3.Storage.Clocks;

namespace Emu3.Tests.Unit.Storage.Clocks;

[Trait("Suite", "Fast")]
public sealed class SteadyTimeTests
{
    private static readonly DateTimeOffset s_start = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private readonly SettableTime _inner = new(s_start);

    [Fact]
    public void Now_OfAClockThatRuns_IsItsTime()
    {
        var steady = new SteadyTime(_inner);
        _inner.Pass(TimeSpan.FromMinutes(5));
        Assert.Equal(s_start.AddMinutes(5), steady.GetUtcNow());
    }

    [Fact]
    public void Now_AfterAStepForward_IsThere()
    {
        var steady = new SteadyTime(_inner);
        _inner.Set(TimeSpan.FromHours(1));
        Assert.Equal(s_start.AddHours(1), steady.GetUtcNow());
    }

    [Fact]
    public void Now_AfterAStepBack_GoesOnAtHalfSpeed_UntilTheClockHasCaughtUp()
    {
        var steady = new SteadyTime(_inner);
        _inner.Set(TimeSpan.FromHours(-1));
        Assert.Equal(s_start, steady.GetUtcNow());
        for (var minute = 1; minute <= 119; minute++)
        {
            _inner.Pass(TimeSpan.FromMinutes(1));
            Assert.Equal(s_start.AddMinutes(minute / 2.0), steady.GetUtcNow());
        }

        _inner.Pass(TimeSpan.FromMinutes(1)); // two hours: half of them is the hour that was missing
        Assert.Equal(s_start.AddHours(1), steady.GetUtcNow());
        _inner.Pass(TimeSpan.FromMinutes(1));
        Assert.Equal(s_start.AddHours(1).AddMinutes(1), steady.GetUtcNow());
    }

    [Fact]
    public void Now_WhateverIsDoneToTheClock_NeverGoesBack()
    {
        var steady = new SteadyTime(_inner);
        var random = new Random(7);
        var last = steady.GetUtcNow();
        for (var step = 0; step < 10_000; step++)
        {
            if (random.Next(3) == 0) _inner.Set(TimeSpan.FromSeconds(random.Next(-7200, 7200)));
            else _inner.Pass(TimeSpan.FromMilliseconds(random.Next(100_000)));
            var now = steady.GetUtcNow();
            Assert.True(now >= last && now >= _inner.GetUtcNow());
            last = now;
        }
    }

    /// <summary>A wall clock that is set, beside timestamps that are not.</summary>
    internal sealed class SettableTime(DateTimeOffset start) : TimeProvider
    {
        private TimeSpan _passed;
        private TimeSpan _set;

        public void Pass(TimeSpan time) => _passed += time;
        public void Set(TimeSpan by) => _set += by;
        public override DateTimeOffset GetUtcNow() => start + _passed + _set;
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
        public override long GetTimestamp() => _passed.Ticks;
    }
}
