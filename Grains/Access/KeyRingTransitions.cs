using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Access;

/// <summary>Every decision about keys, as functions from state to state. What changes nothing gives back the same state.</summary>
public static class KeyRingTransitions
{
    /// <summary>
    /// Adds a key, in the place of the one that has opened nothing for longest where there is no room; where all are valid, nothing changes. One that is
    /// there, made by the same request, gets the secret of this one.
    /// </summary>
    /// <exception cref="IdempotencyConflictException">It was made by another request.</exception>
    public static KeyRingState Add(KeyRingState state, ApiKey key, DateTimeOffset now, int most = IKeyRing.MaxKeys)
    {
        if (state.Keys.GetValueOrDefault(key.Id) is { } known)
            return known.RequestHash == key.RequestHash ? Rotate(state, key.Id, key.SecretHash, key.LastFour, now) : throw new IdempotencyConflictException(key.Id);
        var keys = state.Keys;
        if (keys.Count >= most)
        {
            if (keys.Values.Where(other => !other.IsValid(now)).MinBy(EndOf) is not { } dead) return state;
            keys = keys.Remove(dead.Id);
        }
        return state with { Version = state.Version + 1, Keys = keys.Add(key.Id, key) };
    }

    /// <summary>The key opens nothing any more. A second time changes nothing, nor does a key that is not there.</summary>
    public static KeyRingState Revoke(KeyRingState state, string id, DateTimeOffset now) =>
        state.Keys.GetValueOrDefault(id) is { RevokedAt: null } key ? With(state, key with { RevokedAt = now }) : state;

    /// <summary>Another secret in the place of the old one. A key that opens nothing, or is not there, is left alone.</summary>
    public static KeyRingState Rotate(KeyRingState state, string id, byte[] secretHash, string lastFour, DateTimeOffset now) =>
        state.Keys.GetValueOrDefault(id) is { } key && key.IsValid(now) && !key.SecretHash.AsSpan().SequenceEqual(secretHash)
        ? With(state, key with { SecretHash = secretHash, LastFour = lastFour, RotatedAt = now })
        : state;

    private static KeyRingState With(KeyRingState state, ApiKey key) =>
        state with { Version = state.Version + 1, Keys = state.Keys.SetItem(key.Id, key) };

    private static DateTimeOffset EndOf(ApiKey key) =>
        key is { RevokedAt: { } revoked, ExpiresAt: { } expires } ? (revoked < expires ? revoked : expires) : key.RevokedAt ?? key.ExpiresAt!.Value;
}
