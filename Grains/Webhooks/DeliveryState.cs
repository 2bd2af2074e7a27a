using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Webhooks;

/// <summary>All that the delivery of one notice decides by, and the row that it is stored in.</summary>
[GenerateSerializer, Immutable, Alias("emu3.DeliveryState")]
public sealed record DeliveryState
{
    [Id(0)] public int SchemaVersion { get; init; } = 1;

    /// <summary>Null: nothing was announced.</summary>
    [Id(1)] public WebhookNotice? Notice { get; init; }
    [Id(2)] public WebhookStatus Status { get; init; }

    /// <summary>Tries, since the notice was announced or somebody asked for another delivery.</summary>
    [Id(3)] public int AttemptCount { get; init; }

    /// <summary>Why the last try failed; null after none, and after one that did not.</summary>
    [Id(4)] public string? LastError { get; init; }

    /// <summary>Of a pending one.</summary>
    [Id(5)] public DateTimeOffset? NextAttemptAt { get; init; }

    /// <summary>When it was taken.</summary>
    [Id(6)] public DateTimeOffset? DeliveredAt { get; init; }

    /// <summary>How long before <see cref="NextAttemptAt"/> that was decided; null where it is unknown.</summary>
    [Id(7)] public TimeSpan? Wait { get; init; }

    /// <summary>
    /// How long it is until the next try; null when there is none. A wait that is longer than the one that was decided shows that the clock was set back
    /// since: then it is time.
    /// </summary>
    public TimeSpan? WaitAt(DateTimeOffset now) => NextAttemptAt - now is not { } left ? null : left > (Wait ?? left) ? TimeSpan.Zero : left;

    /// <summary>Something is to be told and was not yet.</summary>
    public bool IsUnderWay => Notice is not null && Status == WebhookStatus.Pending;

    /// <summary>As its owner sees it; null when nothing was announced.</summary>
    public WebhookState? Tell() => Notice is null ? null : new()
    {
        Url = Notice.Url,
        Status = Status,
        AttemptCount = AttemptCount,
        LastError = LastError,
        NextAttemptAt = NextAttemptAt,
        DeliveredAt = DeliveredAt,
        EventId = Notice.EventId,
    };
}
