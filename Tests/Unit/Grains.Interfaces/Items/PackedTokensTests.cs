using CsCheck;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Grains.Interfaces.Items;

[Trait("Suite", "Fast")]
public sealed class PackedTokensTests
{
    [Fact]
    public void Write_ThenRead_GivesTheSameIds() => Gen.Int[0, int.MaxValue].Array[0, 200].Sample(ids =>
        PackedTokens.Read(PackedTokens.Write(ids))!.SequenceEqual(ids));

    [Fact]
    public void Write_OfAPictureOf8193Tokens_IsSmall()
    {
        var ids = Enumerable.Range(0, 8193).Select(index => 151_800 + (index * 7919 % 32_800)).ToArray();
        Assert.InRange(PackedTokens.Write(ids).Length, 1, 22_000);
        Assert.Equal(ids, PackedTokens.Read(PackedTokens.Write(ids)));
    }

    [Fact]
    public void Read_OfAnyText_NeverThrows() => Gen.String[Gen.Char["ABCxyz019-_=+/ "], 0, 60].Sample(text =>
        Array.TrueForAll(PackedTokens.Read(text) ?? [], id => id >= 0));

    [Fact]
    public void Read_OfCutText_GivesNothing()
    {
        var text = PackedTokens.Write([1, 5, 70_000]);
        for (var length = 0; length < text.Length; length++) Assert.Null(PackedTokens.Read(text[..length]));
    }

    [Fact]
    public void Recipe_GoesThroughItsFile()
    {
        var item = new ItemSpec
        {
            Id = "a",
            SampleIndex = 2,
            Seed = ulong.MaxValue,
            Sampling = new(0.7, 64, 0.9),
            Image = new() { Prompt = "ein Stern „rot“ <&>", NegativePrompt = "", GuidanceScale = 3, LatentHeight = 4, LatentWidth = 5 },
        };
        var recipe = PictureRecipe.Of(item, "emu3-tiny", "abc", [1, 2, 3], [7, 8, 9]);
        Assert.Equal(recipe, PictureRecipe.Read(recipe.ToJson()));
        Assert.Equal([7, 8, 9], PackedTokens.Read(recipe.Tokens!)!);
        Assert.Equal("010203", recipe.TokensHash);
        Assert.Contains("\"seed\":\"18446744073709551615\"", recipe.ToJson(), StringComparison.Ordinal);
        Assert.DoesNotContain("\"tokens\"", (recipe with { Tokens = null }).ToJson(), StringComparison.Ordinal);
        Assert.Null(PictureRecipe.Read("{\"prompt\":\"a\"}"));
        Assert.Null(PictureRecipe.Read("a description"));
        Assert.Null(PictureRecipe.Read(null));
    }
}
