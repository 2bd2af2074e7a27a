using System.Text.Json;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;

namespace Emu3.Tests.Unit.Grains.Jobs;

[Trait("Suite", "Fast")]
public sealed class SpecHashTests
{
    [Fact]
    public void Of_DifferentStops_Differs()
    {
        IReadOnlyList<string>?[] stops = [null, ["a"], ["b"], ["ab"], ["a", "b"], ["b", "a"], ["stop"], ["stop", "stop"]];
        var hashes = stops.Select(stop => Convert.ToHexString(SpecHash.Of(Chat(stop)))).ToList();
        Assert.Equal(hashes.Distinct(), hashes);
        Assert.Equal(hashes[4], Convert.ToHexString(SpecHash.Of(Chat(["a", "b"]))));
    }

    /// <summary>Output folders from before there were stops know their items by a hash over this JSON.</summary>
    [Fact]
    public void Json_OfAnItemWithoutStops_DoesNotMentionThem() =>
        Assert.DoesNotContain("Stop", JsonSerializer.Serialize(Chat(null)), StringComparison.Ordinal);

    private static ItemSpec Chat(IReadOnlyList<string>? stop) => new()
    {
        Id = "a",
        Seed = 1,
        Sampling = new(0, 0, 1),
        Chat = new() { Turns = [new("user", [new("Hello?", null)])], MaxNewTokens = 9, Stop = stop },
    };
}
