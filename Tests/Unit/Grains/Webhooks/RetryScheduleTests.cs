using Emu3.Grains.Webhooks;

namespace Emu3.Tests.Unit.Grains.Webhooks;

[Trait("Suite", "Fast")]
public sealed class RetryScheduleTests
{
    private static readonly RetrySchedule s_usual = new([]);

    [Fact]
    public void Waits_AreThoseOfTheSpecification_WithAFifthAtMostAdded()
    {
        TimeSpan[] wanted =
        [
            TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5),
            TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
        ];
        Assert.Equal(10, s_usual.MaxAttempts);
        for (var tries = 1; tries <= wanted.Length; tries++)
            Assert.InRange(s_usual.WaitAfter("evt_1", tries, null)!.Value, wanted[tries - 1], wanted[tries - 1] * 1.2);
        Assert.Null(s_usual.WaitAfter("evt_1", 10, null));
        Assert.Null(s_usual.WaitAfter("evt_1", 10, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void Waits_OfManyNotices_Spread_AndOfOneStay()
    {
        var waits = Enumerable.Range(0, 100).Select(number => s_usual.WaitAfter($"evt_{number}", 1, null)!.Value).ToList();

        Assert.True(waits.Distinct().Count() > 90);
        Assert.InRange(waits.Average(wait => wait.TotalSeconds), 5.3, 5.7);
        Assert.Equal(waits, Enumerable.Range(0, 100).Select(number => s_usual.WaitAfter($"evt_{number}", 1, null)!.Value));
    }

    [Fact]
    public void RetryAfter_MakesAWaitLonger_NeverShorter_NorLongerThanADay()
    {
        Assert.Equal(TimeSpan.FromMinutes(1), s_usual.WaitAfter("evt_1", 1, TimeSpan.FromMinutes(1)));
        Assert.InRange(s_usual.WaitAfter("evt_1", 2, TimeSpan.FromSeconds(1))!.Value, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(6));
        Assert.InRange(s_usual.WaitAfter("evt_1", 1, TimeSpan.FromSeconds(-5))!.Value, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(6));
        Assert.Equal(TimeSpan.FromHours(24), s_usual.WaitAfter("evt_1", 1, TimeSpan.FromDays(365)));
    }

    [Fact]
    public void Waits_ThatAreConfigured_TakeThePlaceOfTheUsualOnes()
    {
        var schedule = new RetrySchedule([TimeSpan.FromSeconds(1)]);

        Assert.Equal(2, schedule.MaxAttempts);
        Assert.InRange(schedule.WaitAfter("evt_1", 1, null)!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1.2));
        Assert.Null(schedule.WaitAfter("evt_1", 2, null));
    }
}
