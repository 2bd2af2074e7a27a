namespace Emu3.Grains.Interfaces;

/// <summary>The keys of the API. Gateways read all of them and ask again whether something changed: a key that nobody has costs the cluster nothing. Key 0.</summary>
[Alias("emu3.IKeyRing")]
public interface IKeyRing : IGrainWithIntegerKey
{
    /// <summary>Keys at most. Where more are made, those go that were revoked or expired first.</summary>
    public const int MaxKeys = 10_000;

    /// <summary>
    /// Durable when it returns. Idempotent by id: the same request once more gives the key that is there this secret, if it is valid, since nobody can be
    /// told the one before. Another request throws <see cref="IdempotencyConflictException"/>.
    /// </summary>
    /// <returns>The key as it now is; null when the ring is full of keys that are valid.</returns>
    [Alias("Add")] Task<ApiKey?> Add(ApiKey key);

    /// <summary>The key opens nothing any more. Durable when it returns. Idempotent.</summary>
    /// <returns>The key as it now is; null when there is none of that id.</returns>
    [Alias("Revoke")] Task<ApiKey?> Revoke(string id);

    /// <summary>Puts another secret in the place of the old one, at once. Durable when it returns. A key that is not valid stays as it is.</summary>
    /// <returns>The key as it now is; null when there is none of that id.</returns>
    [Alias("Rotate")] Task<ApiKey?> Rotate(string id, byte[] secretHash, string lastFour);

    /// <summary>All keys, or null when they are those of that version.</summary>
    [Alias("ReadUnless")] Task<KeyRingPage?> ReadUnless(long version);
}

/// <summary>All keys as they were at one time.</summary>
/// <param name="Version">Another whenever something changed.</param>
/// <param name="Keys">Oldest first.</param>
[GenerateSerializer, Immutable, Alias("emu3.KeyRingPage")]
public sealed record KeyRingPage([property: Id(0)] long Version, [property: Id(1)] ApiKey[] Keys);
