using Emu3.Inference.Tokens;

namespace Emu3.Tests.Unit.Inference.Tokens;

[Trait("Suite", "Fast")]
public sealed class AnswerTextTests
{
    private static readonly TextTokenizer s_tokenizer = FixtureTokenizers.Hub.Tokenizer;

    [Theory]
    [InlineData("Here it is: 😀! And more", "😀", "Here it is: ")]
    [InlineData("Here it is: 😀! And more", "😀!", "Here it is: ")]
    [InlineData("Here it is: 😁! And more", "😀", null)] // the same first bytes
    [InlineData("naïve café — done", "é —", "naïve caf")]
    public void Push_StopOverSeveralTokens_EndsTheTextBeforeIt(string text, string stop, string? expected)
    {
        var ids = s_tokenizer.Encode(text).ToArray();
        var (told, count) = Run(ids, [stop]);
        Assert.Equal(expected ?? text, told);
        if (expected is null) return;

        // It ends with the token that completes the stop, and not before.
        Assert.Contains(stop, s_tokenizer.Decode(ids.AsSpan(0, count)), StringComparison.Ordinal);
        Assert.DoesNotContain(stop, s_tokenizer.Decode(ids.AsSpan(0, count - 1)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(" A star.", "A star.")]
    [InlineData("  two", " two")] // one belongs to the template, the other to the answer
    [InlineData("A star. ", "A star. ")]
    [InlineData("\n A", "\n A")]
    [InlineData(" ", "")]
    [InlineData(" 😀", "😀")]
    public void Push_SpaceOfTheTemplate_IsNoPartOfTheAnswer(string generated, string answer)
    {
        Assert.Equal(answer, Run([.. s_tokenizer.Encode(generated)], []).Text);
        Assert.Equal(answer, Run([.. generated.EnumerateRunes().SelectMany(rune => s_tokenizer.Encode(rune.ToString()))], ["a stop"]).Text);
    }

    [Fact]
    public void Push_StopThatBeginsWithASpace_IsLookedForInTheAnswerAlone() => Assert.Equal("A", Run([.. s_tokenizer.Encode(" A star")], [" "]).Text);

    [Fact]
    public void Push_CharacterThatIsNeverCompleted_IsToldWithWhatWasHeldBack()
    {
        var answer = new AnswerText(s_tokenizer, ["x😀"]);
        Assert.Equal("", answer.Push(s_tokenizer.Encode("x")[0], isLast: false));
        Assert.Equal("x\ufffd", answer.Push(s_tokenizer.Encode("😀")[0], isLast: true));
        Assert.False(answer.IsStopped);
    }

    /// <summary>Whoever comes in the middle, after the same tokens, goes on with the same pieces.</summary>
    [Fact]
    public void Push_AfterTheTokensSoFar_GoesOnAlike()
    {
        var ids = s_tokenizer.Encode("one two STO STOP three").ToArray();
        var pieces = Pieces(new(s_tokenizer, ["STOP"]), ids);
        for (var kept = 0; kept <= ids.Length; kept++)
        {
            var resumed = new AnswerText(s_tokenizer, ["STOP"]);
            Pieces(resumed, ids[..kept]);
            Assert.Equal(pieces[kept..], Pieces(resumed, ids[kept..]));
            Assert.True(resumed.IsStopped);
        }
    }

    private static string[] Pieces(AnswerText answer, int[] ids) => [.. ids.Select(id => answer.Push(id, isLast: false))];

    private static (string Text, int Count) Run(int[] ids, string[] stops)
    {
        var answer = new AnswerText(s_tokenizer, stops);
        var text = "";
        for (var at = 0; at < ids.Length; at++)
        {
            text += answer.Push(ids[at], isLast: at == ids.Length - 1);
            if (answer.IsStopped) return (text, at + 1);
        }

        return (text, ids.Length);
    }
}
