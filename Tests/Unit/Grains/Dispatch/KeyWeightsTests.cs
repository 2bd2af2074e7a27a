using Emu3.Grains.Dispatch;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Grains.Dispatch;

[Trait("Suite", "Fast")]
public sealed class KeyWeightsTests
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    [Fact]
    public void Of_SeveralKeys_IsTheLargestOfTheValidOnes()
    {
        var weights = KeyWeights.Of(
            [Key("a", 2), Key("a", 3), Key("a", 9) with { RevokedAt = s_now }, Key("a", null), Key("b", null), Key("c", 0.5), Key("d", 4) with { ExpiresAt = s_now }], s_now);

        Assert.Equal([("a", 3), ("c", 0.5)], weights.OrderBy(weight => weight.Key).Select(weight => (weight.Key, weight.Value)));
    }

    private static ApiKey Key(string tenant, double? weight) => new()
    {
        Id = "key_0123456789abcdef",
        Name = "a name",
        Tenant = tenant,
        Role = KeyRole.User,
        SecretHash = [],
        LastFour = "",
        CreatedAt = s_now,
        Weight = weight,
    };
}
