using Emu3.Grains.Access;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Grains.Access;

[Trait("Suite", "Fast")]
public sealed class KeyMeterStateTests
{
    private static readonly DateTimeOffset s_start = DateTimeOffset.UnixEpoch.AddDays(20_000);

    [Fact]
    public void Take_WithinTheLimit_IsCounted_AndBeyondIsNot()
    {
        var (state, first) = new KeyMeterState().Take(3, 5, "a", s_start);
        var (after, second) = state.Take(3, 5, "b", s_start.AddMinutes(10));

        Assert.Equal((true, 3), (first.IsTaken, first.Used));
        Assert.Equal((false, 3), (second.IsTaken, second.Used));
        Assert.Equal(TimeSpan.FromMinutes(51), second.FitsAfter); // what was asked for in a minute leaves when the whole minute is an hour ago
        Assert.Equal(state, after);
    }

    [Fact]
    public void Take_OfTheSameRequestAgain_CountsOnce()
    {
        var (state, _) = new KeyMeterState().Take(3, 5, "a", s_start);
        var (after, reading) = state.Take(3, 5, "a", s_start);

        Assert.Equal((true, 3), (reading.IsTaken, reading.Used));
        Assert.Same(state, after);
    }

    [Fact]
    public void Take_WhenToldThatItFits_Fits()
    {
        var state = new KeyMeterState();
        for (var minute = 0; minute < 5; minute++) (state, _) = state.Take(1, 5, $"r{minute}", s_start.AddMinutes(minute));
        var now = s_start.AddMinutes(30);
        var (_, refused) = state.Take(2, 5, "two", now);
        Assert.False(refused.IsTaken);

        Assert.False(state.Take(2, 5, "two", now + refused.FitsAfter - TimeSpan.FromSeconds(1)).Reading.IsTaken);
        Assert.True(state.Take(2, 5, "two", now + refused.FitsAfter).Reading.IsTaken);
    }

    [Fact]
    public void State_NeverGrowsBeyondAnHour()
    {
        var state = new KeyMeterState();
        for (var minute = 0; minute < 500; minute++) (state, _) = state.Take(1, 1000, $"r{minute}", s_start.AddMinutes(minute));

        Assert.InRange(state.Minutes.Count, 60, 61);
        Assert.Equal(32, state.Requests.Count);
        Assert.Equal(new MeterReading(true, 1, TimeSpan.Zero, TimeSpan.FromMinutes(61)), state.Take(1, 1000, "later", s_start.AddDays(2)).Reading);
    }

    /// <summary>Pictures from before count for an hour from now, not until the clock has come back and gone on for an hour.</summary>
    [Fact]
    public void Take_AfterTheClockWasSetBack_WaitsForAnHourAtMost()
    {
        var (state, _) = new KeyMeterState().Take(5, 5, "a", s_start);
        var (after, refused) = state.Take(1, 5, "b", s_start.AddHours(-1));

        Assert.Equal((false, 5), (refused.IsTaken, refused.Used));
        Assert.InRange(refused.FitsAfter, TimeSpan.FromHours(1), TimeSpan.FromMinutes(61));
        Assert.True(after.Take(1, 5, "b", s_start.AddHours(-1) + refused.FitsAfter).Reading.IsTaken);
    }
}
