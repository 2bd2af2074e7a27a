namespace Emu3.Grains.Interfaces;

/// <summary>
/// Brings one notice to its receiver: tried at once, and again by itself until it is taken, refused for good, or given up. Durable from
/// <see cref="Announce"/> on; every telling has the same id, and more than one may arrive. Every reply reports durable state. Key: <see cref="KeyOf"/>.
/// </summary>
[Alias("emu3.IWebhookDelivery")]
public interface IWebhookDelivery : IGrainWithStringKey
{
    /// <summary>The key of the notice that an attempt of a job has ended; attempt 0 is a batch that ended before it had a job.</summary>
    static string KeyOf(JobId job, int attempt) => $"{job}/{attempt}";

    /// <summary>Takes the notice over. Idempotent: the first one of a key stays.</summary>
    [Alias("Announce")] Task Announce(WebhookNotice notice);

    /// <summary>How the delivery stands; null when nothing was announced.</summary>
    [Alias("Find")] Task<WebhookState?> Find();

    /// <summary>Tries at once, with as many retries as a new notice. Null when nothing was announced.</summary>
    [Alias("Redeliver")] Task<WebhookState?> Redeliver();

    /// <summary>Ends the delivery and forgets the notice. Idempotent.</summary>
    [Alias("Forget")] Task Forget();
}

/// <summary>What is told, and to whom.</summary>
/// <param name="EventId">Header <c>webhook-id</c>: the same at every try.</param>
/// <param name="Tenant">Whose secret signs it.</param>
/// <param name="Url">Where it goes.</param>
/// <param name="Body">JSON: the same bytes at every try.</param>
[GenerateSerializer, Immutable, Alias("emu3.WebhookNotice")]
public sealed record WebhookNotice(
    [property: Id(0)] string EventId, [property: Id(1)] string Tenant, [property: Id(2)] string Url, [property: Id(3)] string Body);

/// <summary>How the delivery of a notice stands.</summary>
[GenerateSerializer, Immutable, Alias("emu3.WebhookState")]
public sealed record WebhookState
{
    [Id(0)] public required string Url { get; init; }
    [Id(1)] public WebhookStatus Status { get; init; }

    /// <summary>Tries so far, since the last time that somebody asked for another delivery.</summary>
    [Id(2)] public int AttemptCount { get; init; }

    /// <summary>Why the last try failed, for a person; null after none.</summary>
    [Id(3)] public string? LastError { get; init; }

    /// <summary>Of a pending one that has something to tell.</summary>
    [Id(4)] public DateTimeOffset? NextAttemptAt { get; init; }
    [Id(5)] public DateTimeOffset? DeliveredAt { get; init; }

    /// <summary>Null as long as there is nothing to tell.</summary>
    [Id(6)] public string? EventId { get; init; }
}

/// <summary>Where a notice is on its way.</summary>
public enum WebhookStatus
{
    /// <summary>There is nothing to tell yet, or it is tried again.</summary>
    Pending = 0,

    /// <summary>The receiver has answered 2xx.</summary>
    Delivered = 1,

    /// <summary>Given up, or the receiver has answered that it wants no more.</summary>
    Failed = 2,
}
