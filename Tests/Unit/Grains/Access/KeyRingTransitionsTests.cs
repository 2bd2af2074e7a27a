using Emu3.Grains.Access;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Grains.Access;

[Trait("Suite", "Fast")]
public sealed class KeyRingTransitionsTests
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    [Fact]
    public void Add_TwiceTheSame_CountsOneChange()
    {
        var (once, _) = KeyRingTransitions.Add(new(), Key("a"), s_now);
        var (twice, isIn) = KeyRingTransitions.Add(once, Key("a"), s_now);

        Assert.True(isIn);
        Assert.Same(once, twice);
        Assert.Equal(1, once.Version);
    }

    [Fact]
    public void Revoke_IsForGood_AndAgainChangesNothing()
    {
        var revoked = KeyRingTransitions.Revoke(With(Key("a")), "a", s_now);

        Assert.False(revoked.Keys["a"].IsValid(s_now));
        Assert.Same(revoked, KeyRingTransitions.Revoke(revoked, "a", s_now.AddDays(1)));
        Assert.Same(revoked, KeyRingTransitions.Rotate(revoked, "a", [9], "9999", s_now));
        Assert.Same(revoked, KeyRingTransitions.Revoke(revoked, "b", s_now));
    }

    [Fact]
    public void Rotate_ReplacesTheSecret_AndNothingElse()
    {
        var before = With(Key("a"));
        var after = KeyRingTransitions.Rotate(before, "a", [9], "9999", s_now);

        Assert.Equal(before.Keys["a"] with { SecretHash = after.Keys["a"].SecretHash, LastFour = "9999", RotatedAt = s_now }, after.Keys["a"]);
        Assert.Equal([9], after.Keys["a"].SecretHash);
        Assert.Equal(before.Version + 1, after.Version);
        Assert.Same(after, KeyRingTransitions.Rotate(after, "a", [9], "9999", s_now)); // the same call, repeated
    }

    [Fact]
    public void Rotate_OfAnExpiredKey_ChangesNothing()
    {
        var state = With(Key("a") with { ExpiresAt = s_now });

        Assert.Same(state, KeyRingTransitions.Rotate(state, "a", [9], "9999", s_now));
    }

    [Fact]
    public void Add_ToAFullRing_TakesThePlaceOfTheKeyThatEndedFirst()
    {
        var state = With(
            Key("valid"), Key("revoked") with { RevokedAt = s_now.AddDays(-2), ExpiresAt = s_now.AddDays(5) }, Key("expired") with { ExpiresAt = s_now.AddDays(-3) });
        var (after, isIn) = KeyRingTransitions.Add(state, Key("new"), s_now, most: 3);

        Assert.True(isIn);
        Assert.Equal(["new", "revoked", "valid"], after.Keys.Keys.Order());
    }

    [Fact]
    public void Add_ToARingFullOfValidKeys_IsRefused()
    {
        var state = With(Key("a"), Key("b"));
        var (after, isIn) = KeyRingTransitions.Add(state, Key("new"), s_now, most: 2);

        Assert.False(isIn);
        Assert.Same(state, after);
    }

    private static KeyRingState With(params ApiKey[] keys) => keys.Aggregate(new KeyRingState(), (state, key) => KeyRingTransitions.Add(state, key, s_now).State);

    private static ApiKey Key(string id) => new()
    {
        Id = id,
        Name = "a name",
        Tenant = "tenant",
        Role = KeyRole.User,
        SecretHash = [1, 2, 3],
        LastFour = "abcd",
        CreatedAt = s_now.AddDays(-10),
    };
}
