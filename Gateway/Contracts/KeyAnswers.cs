using System.Text.Json.Serialization;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Contracts;

/// <summary>A key as admins see it. Times are Unix seconds.</summary>
internal sealed record KeyAnswer
{
    public string Object { get; } = "api_key";
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Tenant { get; init; }
    public required KeyRole Role { get; init; }

    /// <summary><c>active</c>, <c>expired</c>, <c>revoked</c>.</summary>
    public required string Status { get; init; }
    public required string LastFour { get; init; }
    public required long CreatedAt { get; init; }
    public required long? ExpiresAt { get; init; }
    public required long? RevokedAt { get; init; }
    public required long? RotatedAt { get; init; }
    public required double? Weight { get; init; }
    public required QuotasAnswer Quotas { get; init; }

    /// <summary>The key itself: in the answer that made it, and never again.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Key { get; init; }

    public static KeyAnswer Of(ApiKey key, DateTimeOffset now, string? text = null) => new()
    {
        Id = key.Id,
        Name = key.Name,
        Tenant = key.Tenant,
        Role = key.Role,
        Status = key.RevokedAt is not null ? "revoked" : key.IsValid(now) ? "active" : "expired",
        LastFour = key.LastFour,
        CreatedAt = key.CreatedAt.ToUnixTimeSeconds(),
        ExpiresAt = key.ExpiresAt?.ToUnixTimeSeconds(),
        RevokedAt = key.RevokedAt?.ToUnixTimeSeconds(),
        RotatedAt = key.RotatedAt?.ToUnixTimeSeconds(),
        Weight = key.Weight,
        Quotas = new(key.Quotas.QueuedItems, key.Quotas.ImagesAnHour, key.Quotas.ConcurrentStreams),
        Key = text,
    };
}

/// <summary>How much a key may ask for; null: as much as the cluster takes.</summary>
internal sealed record QuotasAnswer(int? QueuedItems, int? ImagesPerHour, int? ConcurrentStreams);

/// <summary>All keys, oldest first.</summary>
internal sealed record KeyList(IReadOnlyList<KeyAnswer> Data)
{
    public string Object { get; } = "list";
}

/// <summary>Acts of admins, newest first. Ask with <c>before=next</c> for older ones; null at the end.</summary>
internal sealed record AuditList(IReadOnlyList<AuditAnswer> Data, long? Next)
{
    public string Object { get; } = "list";
    public bool HasMore => Next is not null;
}

/// <summary>One act of an admin.</summary>
internal sealed record AuditAnswer(long Number, long At, string Actor, string Tenant, string Act, string Target, string Detail, string Address, string RequestId)
{
    public static AuditAnswer Of(AuditRecord record) => new(
        record.Number, record.Entry.At.ToUnixTimeSeconds(), record.Entry.Actor, record.Entry.Tenant, record.Entry.Act, record.Entry.Target, record.Entry.Detail,
        record.Entry.Address, record.Entry.Id);
}
