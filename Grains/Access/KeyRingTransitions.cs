using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Access;

/// <summary>Every decision about keys, as functions from state to state. What changes nothing gives back the same state.</summary>
public static class KeyRingTransitions
{
    /// <summary>Adds a key, in the place of the one that has opened nothing for longest where there is no room. One of a known id changes nothing.</summary>
    /// <returns>The state, and whether the key is in it.</returns>
    public static (KeyRingState State, bool IsIn) Add(KeyRingState state, ApiKey key, DateTimeOffset now, int most = IKeyRing.MostKeys)
    {
        if (state.Keys.ContainsKey(key.Id)) return (state, true);
        var keys = state.Keys;
        if (keys.Count >= most)
        {
            if (keys.Values.Where(other => !other.IsValid(now)).MinBy(EndOf) is not { } dead) return (state, false);
            keys = keys.Remove(dead.Id);
        }
        return (state with { Version = state.Version + 1, Keys = keys.Add(key.Id, key) }, true);
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
