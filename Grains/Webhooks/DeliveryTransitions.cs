using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Webhooks;

/// <summary>Every decision about a notice, as functions from state to state.</summary>
public static class DeliveryTransitions
{
    /// <summary>There is something to tell, at once. What was announced first stays.</summary>
    public static DeliveryState Announce(DeliveryState state, WebhookNotice notice, DateTimeOffset now) =>
        state.Notice is null ? new() { Notice = notice, NextAttemptAt = now, Wait = TimeSpan.Zero } : state;

    /// <summary>Takes in what became of a try. One that was delivered meanwhile stays so.</summary>
    public static DeliveryState After(DeliveryState state, DeliveryAnswer answer, RetrySchedule schedule, DateTimeOffset now)
    {
        if (!state.IsUnderWay) return state;
        state = state with { AttemptCount = state.AttemptCount + 1, NextAttemptAt = null, Wait = null, LastError = answer.Problem };
        if (answer.IsDelivered) return state with { Status = WebhookStatus.Delivered, DeliveredAt = now };
        if (answer.IsFinal) return state with { Status = WebhookStatus.Failed };
        return schedule.WaitAfter(state.Notice!.EventId, state.AttemptCount, answer.RetryAfter) is { } wait
            ? state with { NextAttemptAt = now + wait, Wait = wait }
            : state with { Status = WebhookStatus.Failed, LastError = $"{answer.Problem} That was try {state.AttemptCount}, and the last." };
    }

    /// <summary>Its owner wants it told again, or sooner: as a new notice under the old id.</summary>
    public static DeliveryState Redeliver(DeliveryState state, DateTimeOffset now) =>
        state.Notice is null ? state : state with { Status = WebhookStatus.Pending, AttemptCount = 0, NextAttemptAt = now, Wait = TimeSpan.Zero, DeliveredAt = null };
}
