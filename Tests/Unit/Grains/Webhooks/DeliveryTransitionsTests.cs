using Emu3.Grains.Interfaces;
using Emu3.Grains.Webhooks;

namespace Emu3.Tests.Unit.Grains.Webhooks;

[Trait("Suite", "Fast")]
public sealed class DeliveryTransitionsTests
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch.AddDays(20_000);
    private static readonly RetrySchedule s_schedule = new([TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(20)]);
    private static readonly WebhookNotice s_notice = new("evt_1", "acme", "https://example.org/x", "{}");
    private static readonly DeliveryState s_announced = DeliveryTransitions.Announce(new(), s_notice, s_now);

    [Fact]
    public void Announce_IsDueAtOnce_AndAgainChangesNothing()
    {
        Assert.Equal((s_now, WebhookStatus.Pending), (s_announced.NextAttemptAt!.Value, s_announced.Status));
        Assert.Same(s_announced, DeliveryTransitions.Announce(s_announced, s_notice with { Body = "another" }, s_now.AddHours(1)));
        Assert.Null(new DeliveryState().Tell());
    }

    [Fact]
    public void Wait_AfterTheClockWasSetBack_IsOver_AndElseIsWhatIsLeft()
    {
        var state = After(s_announced, DeliveryAnswer.Of(500, null));

        Assert.InRange(state.WaitAt(s_now.AddSeconds(4))!.Value, TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(8));
        Assert.Equal(TimeSpan.Zero, state.WaitAt(s_now.AddHours(-1)));
        Assert.True(state.WaitAt(s_now.AddHours(1)) < TimeSpan.Zero);
        Assert.Equal(state.NextAttemptAt - s_now.AddHours(-1), (state with { Wait = null }).WaitAt(s_now.AddHours(-1))); // a row from before the field
        Assert.Null(After(s_announced, DeliveryAnswer.Of(200, null)).WaitAt(s_now));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(201)]
    [InlineData(204)]
    [InlineData(299)]
    public void Any2xx_IsDelivered(int status)
    {
        var state = After(s_announced, DeliveryAnswer.Of(status, null));

        Assert.Equal((WebhookStatus.Delivered, 1, s_now), (state.Status, state.AttemptCount, state.DeliveredAt!.Value));
        Assert.Null(state.NextAttemptAt);
        Assert.Same(state, After(state, DeliveryAnswer.Of(500, null)));
    }

    [Theory]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(404)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public void EverythingElse_IsTriedAgain_UntilItIsGivenUp(int status)
    {
        var state = s_announced;
        for (var tries = 1; tries <= 2; tries++)
        {
            state = After(state, DeliveryAnswer.Of(status, null));
            Assert.Equal((WebhookStatus.Pending, tries), (state.Status, state.AttemptCount));
            Assert.InRange(state.NextAttemptAt!.Value, s_now.AddSeconds(10 * tries), s_now.AddSeconds(12 * tries));
            Assert.Contains(status.ToString(System.Globalization.CultureInfo.InvariantCulture), state.LastError, StringComparison.Ordinal);
        }

        state = After(state, DeliveryAnswer.Of(status, null));
        Assert.Equal((WebhookStatus.Failed, 3), (state.Status, state.AttemptCount));
        Assert.Null(state.NextAttemptAt);
        Assert.Contains("try 3, and the last", state.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public void Gone_EndsItAtOnce()
    {
        var state = After(s_announced, DeliveryAnswer.Of(410, TimeSpan.FromSeconds(1)));

        Assert.Equal((WebhookStatus.Failed, 1), (state.Status, state.AttemptCount));
        Assert.Contains("410", state.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public void Redirect_SaysThatItIsNotFollowed() => Assert.Contains("not followed", DeliveryAnswer.Of(301, null).Problem, StringComparison.Ordinal);

    [Fact]
    public void RetryAfter_IsHonoured() => Assert.Equal(s_now.AddMinutes(3), After(s_announced, DeliveryAnswer.Of(429, TimeSpan.FromMinutes(3))).NextAttemptAt);

    [Fact]
    public void NoAnswer_IsTriedAgain()
    {
        var state = After(s_announced, DeliveryAnswer.None("It is away."));

        Assert.Equal((WebhookStatus.Pending, "It is away."), (state.Status, state.LastError));
    }

    [Fact]
    public void Redeliver_BeginsAnew_WhateverWas()
    {
        foreach (var state in (DeliveryState[])[s_announced, After(s_announced, DeliveryAnswer.Of(200, null)), After(s_announced, DeliveryAnswer.Of(410, null))])
        {
            var again = DeliveryTransitions.Redeliver(state, s_now.AddDays(1));

            Assert.Equal((WebhookStatus.Pending, 0, s_now.AddDays(1)), (again.Status, again.AttemptCount, again.NextAttemptAt!.Value));
            Assert.Same(s_notice, again.Notice);
            Assert.Null(again.DeliveredAt);
        }

        var nothing = new DeliveryState();
        Assert.Same(nothing, DeliveryTransitions.Redeliver(nothing, s_now));
    }

    private static DeliveryState After(DeliveryState state, DeliveryAnswer answer) => DeliveryTransitions.After(state, answer, s_schedule, s_now);
}
