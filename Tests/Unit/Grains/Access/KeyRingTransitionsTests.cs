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
        var once = KeyRingTransitions.Add(new(), Key("a"), s_now);

        Assert.Same(once, KeyRingTransitions.Add(once, Key("a"), s_now));
        Assert.Equal(1, once.Version);
    }

    [Fact]
    public void Add_OfTheSameRequest_GivesTheKeyThisSecret_AndNothingElse()
    {
        var first = With(Key("a") with { RequestHash = "request" });
        var again = KeyRingTransitions.Add(first, Key("a") with { RequestHash = "request", SecretHash = [9], LastFour = "9999", CreatedAt = s_now }, s_now);

        Assert.Equal(first.Keys["a"] with { SecretHash = again.Keys["a"].SecretHash, LastFour = "9999", RotatedAt = s_now }, again.Keys["a"]);
        Assert.Equal([9], again.Keys["a"].SecretHash);
    }

    [Fact]
    public void Add_OfTheSameRequest_WhoseKeyWasRevoked_ChangesNothing()
    {
        var revoked = KeyRingTransitions.Revoke(With(Key("a") with { RequestHash = "request" }), "a", s_now);

        Assert.Same(revoked, KeyRingTransitions.Add(revoked, Key("a") with { RequestHash = "request", SecretHash = [9] }, s_now));
    }

    [Theory]
    [InlineData("other")]
    [InlineData(null)]
    public void Add_OfAnotherRequestUnderTheSameId_IsRefused(string? hash)
    {
        var state = With(Key("a") with { RequestHash = "request" });

        Assert.Throws<IdempotencyConflictException>(() => KeyRingTransitions.Add(state, Key("a") with { RequestHash = hash }, s_now));
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
        var after = KeyRingTransitions.Add(state, Key("new"), s_now, most: 3);

        Assert.Equal(["new", "revoked", "valid"], after.Keys.Keys.Order());
    }

    [Fact]
    public void Add_ToARingFullOfValidKeys_IsRefused()
    {
        var state = With(Key("a"), Key("b"));

        Assert.Same(state, KeyRingTransitions.Add(state, Key("new"), s_now, most: 2));
    }

    private static KeyRingState With(params ApiKey[] keys) => keys.Aggregate(new KeyRingState(), (state, key) => KeyRingTransitions.Add(state, key, s_now));

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
