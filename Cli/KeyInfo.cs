namespace Emu3.Cli;

/// <summary>A key of the API as the gateway tells it. Times are Unix seconds.</summary>
internal sealed record KeyInfo
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Tenant { get; init; }
    public required string Role { get; init; }
    public required string Status { get; init; }
    public required string LastFour { get; init; }
    public long CreatedAt { get; init; }
    public long? ExpiresAt { get; init; }
    public double? Weight { get; init; }
    public QuotaInfo? Quotas { get; init; }

    /// <summary>The key itself, in the answer that made it.</summary>
    public string? Key { get; init; }
}

/// <summary>How much a key may ask for; null: no bound of its own.</summary>
internal sealed record QuotaInfo(int? QueuedItems, int? ImagesPerHour, int? ConcurrentStreams);

/// <summary>All keys.</summary>
internal sealed record KeyPage(IReadOnlyList<KeyInfo> Data);
