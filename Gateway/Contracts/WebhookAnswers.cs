using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Contracts;

/// <summary>How it stands with the notice of an end. Times are Unix seconds.</summary>
internal sealed record WebhookAnswer
{
    public required string Url { get; init; }
    public required WebhookStatus Status { get; init; }

    /// <summary>Tries so far, since the last time that another delivery was asked for.</summary>
    public required int Attempts { get; init; }

    /// <summary>Why the last try failed.</summary>
    public string? LastError { get; init; }
    public long? NextAttemptAt { get; init; }
    public long? DeliveredAt { get; init; }

    /// <summary>The <c>webhook-id</c> of every try; null as long as there is nothing to tell.</summary>
    public string? EventId { get; init; }

    public static WebhookAnswer? Of(WebhookState? webhook) => webhook is null ? null : new()
    {
        Url = webhook.Url,
        Status = webhook.Status,
        Attempts = webhook.AttemptCount,
        LastError = webhook.LastError,
        NextAttemptAt = webhook.NextAttemptAt?.ToUnixTimeSeconds(),
        DeliveredAt = webhook.DeliveredAt?.ToUnixTimeSeconds(),
        EventId = webhook.EventId,
    };
}

/// <summary>What notices to the caller's tenant are signed with.</summary>
/// <param name="Secret">As libraries for Standard Webhooks take it: <c>whsec_</c> and base64.</param>
/// <param name="Previous">Those that sign along for a while.</param>
internal sealed record WebhookSecretAnswer(string Secret, IReadOnlyList<PreviousSecretAnswer> Previous)
{
    public string Object { get; } = "webhook.secret";

    public static WebhookSecretAnswer Of(WebhookSecretSet secrets) => new(
        Text(secrets.Current), [.. secrets.Previous.Select(previous => new PreviousSecretAnswer(Text(previous.Secret), previous.Until.ToUnixTimeSeconds()))]);

    private static string Text(byte[] secret) => $"whsec_{Convert.ToBase64String(secret)}";
}

/// <summary>An old secret, and until when it signs.</summary>
internal sealed record PreviousSecretAnswer(string Secret, long ValidUntil);
