namespace Emu3.Grains.Interfaces;

/// <summary>
/// A key of the API as the cluster keeps it: who shows it, and what they may. Of its secret only the hash is kept: nobody can be told it a second time.
/// </summary>
[GenerateSerializer, Immutable, Alias("emu3.ApiKey")]
public sealed record ApiKey
{
    /// <summary>Its public name, <c>key_</c> and 16 hex digits: in lists, the audit log and the usage ledger.</summary>
    [Id(0)] public required string Id { get; init; }

    /// <summary>What its maker calls it.</summary>
    [Id(1)] public required string Name { get; init; }

    /// <summary>Whose jobs it sees and makes.</summary>
    [Id(2)] public required string Tenant { get; init; }
    [Id(3)] public required KeyRole Role { get; init; }

    /// <summary>SHA-256 of the whole key as it is shown: 32 bytes. The secret in it has 256 random bits, so no salt and no slow hash is needed.</summary>
    [Id(4)] public required byte[] SecretHash { get; init; }

    /// <summary>The end of the secret, by which a person recognises it.</summary>
    [Id(5)] public required string LastFour { get; init; }
    [Id(6)] public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>From then on it opens nothing; null: never.</summary>
    [Id(7)] public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When it was taken back; null while it was not.</summary>
    [Id(8)] public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>When its secret was last replaced; null if never.</summary>
    [Id(9)] public DateTimeOffset? RotatedAt { get; init; }

    /// <summary>Share of the cluster that its tenant gets against others, 1 being usual; null leaves it as configured.</summary>
    [Id(10)] public double? Weight { get; init; }
    [Id(11)] public KeyQuotas Quotas { get; init; } = KeyQuotas.None;

    /// <summary>SHA-256 of the request that made it, in hex, where that had an <c>Idempotency-Key</c>.</summary>
    [Id(12)] public string? RequestHash { get; init; }

    /// <summary>Whether it opens anything.</summary>
    public bool IsValid(DateTimeOffset now) => RevokedAt is null && !(ExpiresAt <= now);
}

/// <summary>What a key may do besides its tenant's own work.</summary>
public enum KeyRole
{
    User = 0,

    /// <summary>Makes and revokes keys, gives devices back their work, reads everyone's usage.</summary>
    Admin = 1,
}

/// <summary>How much a key may ask for; null: as much as the cluster takes.</summary>
/// <param name="QueuedItems">Outputs of its tenant's jobs that have not ended.</param>
/// <param name="ImagesAnHour">Pictures it asks for within any 60 minutes.</param>
/// <param name="ConcurrentStreams">Streams it holds open at once.</param>
[GenerateSerializer, Immutable, Alias("emu3.KeyQuotas")]
public sealed record KeyQuotas(
    [property: Id(0)] int? QueuedItems, [property: Id(1)] int? ImagesAnHour, [property: Id(2)] int? ConcurrentStreams)
{
    public static KeyQuotas None { get; } = new(null, null, null);
}
