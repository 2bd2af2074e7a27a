using CsCheck;
using Emu3.Inference.Tokens;

namespace Emu3.Tests.Unit.Inference.Tokens;

[Trait("Suite", "Fast")]
public sealed class ImageGrammarTests
{
    public static readonly SpecialTokens Tokens = new()
    {
        BeginOfSequence = 1,
        EndOfSequence = 2,
        Padding = 0,
        BeginOfImage = 3,
        EndOfImage = 4,
        Image = 5,
        EndOfLine = 6,
        EndOfFrame = 7,
        FirstVisual = 100,
        VisualCount = 50,
    };

    /// <summary>A whole picture, visual tokens by their running number.</summary>
    public static List<int> Draw(ImageGrammar grammar, Func<int, int> visual)
    {
        List<int> generated = [];
        while (generated.Count == 0 || !grammar.IsEnd(generated.Count, generated[^1]))
            generated.Add(grammar.ForcedAt(generated.Count) ?? visual(generated.Count));
        return generated;
    }

    [Fact]
    public void ForcedAt_TwoByThree_ClosesRowsFrameImageAndSequence() =>
        Assert.Equal([100, 101, 102, 6, 104, 105, 106, 6, 7, 4, 2], Draw(new ImageGrammar(2, 3, Tokens), i => 100 + i));

    [Fact]
    public void ForcedAt_AnySize_FollowsTheReferencesOrderOfTests() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 12]).Sample((h, w) =>
        {
            var grammar = new ImageGrammar(h, w, Tokens);
            for (var i = 0; i < grammar.MaxLength; i++)
            {
                var o = i + 1; // tokens from the image token on, counting it
                int? expected = o == (w + 1) * h + 1 ? 7 : o == (w + 1) * h + 2 ? 4 : o == (w + 1) * h + 3 ? 2 : o % (w + 1) == 0 ? 6 : null;
                Assert.Equal(expected, grammar.ForcedAt(i));
            }
        });

    [Fact]
    public void Picture_AnySizeAndTokens_ClosesAndGivesItsCodesBack() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[1, 12], Gen.Int[0, 49].Array[144]).Sample((h, w, codes) =>
        {
            var grammar = new ImageGrammar(h, w, Tokens);
            var next = 0;
            var generated = Draw(grammar, _ => 100 + codes[next++]);
            Assert.Equal((w + 1) * h + 3, generated.Count);
            Assert.Equal(grammar.MaxLength, generated.Count);
            Assert.Equal(2, generated[^1]);
            Assert.Null(grammar.Check(generated));
            Assert.Equal(codes[..(h * w)], grammar.Codes(generated));
            for (var length = 0; length < generated.Count; length++)
                Assert.Null(grammar.Check(generated[..length]));
        });

    [Theory]
    [InlineData("100 101", null)]
    [InlineData("", null)]
    [InlineData("100 6", "Token 1 of the picture is 6; allowed there: 100 to 149.")]
    [InlineData("100 150", "Token 1 of the picture is 150; allowed there: 100 to 149.")]
    [InlineData("100 101 102 103", "Token 3 of the picture is 103; allowed there: 6.")]
    [InlineData("100 100 100 6 100 100 100 6 7 4 2 2", "A picture of 2x3 has 11 tokens; 12 were given.")]
    public void Check_TokensOfAResumedPicture_SaysWhatIsWrong(string generated, string? expected) =>
        Assert.Equal(expected, new ImageGrammar(2, 3, Tokens).Check([.. generated.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)]));

    [Fact]
    public void Codes_UnfinishedPicture_RepeatsTheRowAbove() =>
        Assert.Equal([1, 2, 3, 4, 2, 3, 4, 2, 3], new ImageGrammar(3, 3, Tokens).Codes([101, 102, 103, 6, 104]));

    [Fact]
    public void TextRules_EndTokenOrLimit_Ends()
    {
        var rules = new TextRules(EndOfSequence: 2, MaxLength: 3);
        Assert.False(rules.IsEnd(2, 9));
        Assert.True(rules.IsEnd(2, 2));
        Assert.True(rules.IsEnd(3, 9));
    }
}
