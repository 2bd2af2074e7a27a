using Emu3.Cli;
using Emu3.Cli.Batch.Plan;
using Emu3.Cli.Verify;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Cli.Verify;

[Trait("Suite", "Fast")]
public sealed class VerdictTests
{
    private static readonly Outcome s_again = new() { Index = 0, Id = "0", Status = "done", TokensSha256 = "aa", NumericClass = "class", MadeBy = "node-2/cuda:1" };

    [Fact]
    public void SameTokens_AreEqual() => Assert.Equal(Finding.Equal, Verdict.Of(Made([1, 2, 3]), s_again, Recipe([1, 2, 3])).Finding);

    [Fact]
    public void FirstOtherToken_IsNamed_WithBothDevices()
    {
        var verdict = Verdict.Of(Made([1, 2, 3]), s_again with { TokensSha256 = "bb" }, Recipe([1, 5, 3], "bb"));
        Assert.Equal(Finding.Different, verdict.Finding);
        Assert.Equal("star.png differs at token 1: expected 2, got 5. Made by node-1/cuda:0, again by node-2/cuda:1, in numeric class \"class\".", verdict.Text);
    }

    [Fact]
    public void FewerTokens_Differ() =>
        Assert.Contains("token 2: expected 3, got no token", Verdict.Of(Made([1, 2, 3]), s_again with { TokensSha256 = "bb" }, Recipe([1, 2], "bb")).Text, StringComparison.Ordinal);

    [Fact]
    public void AnotherNumericClass_IsNoViolation()
    {
        var verdict = Verdict.Of(Made([1, 2, 3]) with { NumericClass = "old class" }, s_again with { TokensSha256 = "bb" }, Recipe([1, 5, 3], "bb"));
        Assert.Equal(Finding.Unpromised, verdict.Finding);
        Assert.Contains("\"old class\", now \"class\"", verdict.Text, StringComparison.Ordinal);
        Assert.Equal(Finding.Equal, Verdict.Of(Made([1, 2, 3]) with { NumericClass = "old class" }, s_again, Recipe([1, 2, 3])).Finding);
    }

    [Fact]
    public void AClassThatIsNotReproducible_IsNoViolation() =>
        Assert.Equal(Finding.Unpromised, Verdict.Of(Made([1]) with { IsReproducible = false }, s_again with { TokensSha256 = "bb" }, Recipe([2], "bb")).Finding);

    [Fact]
    public void WithoutTokensInTheFile_HashesDecide()
    {
        var made = Made([1]) with { Recipe = Recipe([1]) with { Tokens = null } };
        Assert.Equal(Finding.Equal, Verdict.Of(made, s_again, Recipe([1])).Finding);
        Assert.Equal(Finding.Different, Verdict.Of(made, s_again with { TokensSha256 = "bb" }, Recipe([2], "bb")).Finding);
    }

    [Fact]
    public void AFailure_IsToldWithItsReason() => Assert.Equal(
        (Finding.NotMade, "star.png could not be made again: no memory"),
        Verdict.Of(Made([1]), s_again with { Status = "failed", Error = new("device_out_of_memory", "no memory") }, null) is var verdict ? (verdict.Finding, verdict.Text) : default);

    [Theory]
    [InlineData("1%", 200, 2)]
    [InlineData("1%", 10, 1)]
    [InlineData("0.5%", 1000, 5)]
    [InlineData("100%", 7, 7)]
    [InlineData("25", 10, 10)]
    [InlineData("3", 10, 3)]
    public void SampleSize_OfAFolder(string text, int all, int expected) => Assert.Equal(expected, SampleSize.Parse(text)!.Of(all));

    [Theory]
    [InlineData("0")]
    [InlineData("0%")]
    [InlineData("101%")]
    [InlineData("-1")]
    [InlineData("some")]
    public void SampleSize_OfSomethingElse_IsRefused(string text) => Assert.Null(SampleSize.Parse(text));

    [Fact]
    public void Sample_IsTheSeedsAlone_AndALargerOneHasTheSmaller()
    {
        var records = Enumerable.Range(0, 100).Select(number => new MetadataRecord(new($"item {number}", 0), "spec", $"{number}.png", true, "{}")).ToList();
        var few = VerifySample.Choose(records, new(5, 0), 1);
        Assert.Equal(few, VerifySample.Choose([.. records.AsEnumerable().Reverse()], new(5, 0), 1));
        Assert.Equal(few, VerifySample.Choose(records, new(20, 0), 1).Take(5));
        Assert.NotEqual(few, VerifySample.Choose(records, new(5, 0), 2));
        Assert.Empty(VerifySample.Choose([records[0] with { IsPicture = false }], new(5, 0), 1));
    }

    private static MadeOutput Made(int[] tokens) => new("star.png", Recipe(tokens), "class", true, "node-1/cuda:0");

    private static PictureRecipe Recipe(int[] tokens, string hash = "aa") => new()
    {
        Prompt = "a star",
        NegativePrompt = "",
        GuidanceScale = 1,
        Seed = 1,
        SampleIndex = 0,
        Temperature = 1,
        TopK = 0,
        TopP = 1,
        LatentHeight = 1,
        LatentWidth = 1,
        Model = "m",
        WeightsHash = "w",
        TokensHash = hash,
        Tokens = PackedTokens.Write(tokens),
    };
}
