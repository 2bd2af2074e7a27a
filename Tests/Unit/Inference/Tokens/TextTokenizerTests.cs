using CsCheck;
using Emu3.Inference;
using Emu3.Inference.Tokens;

namespace Emu3.Tests.Unit.Inference.Tokens;

[Trait("Suite", "Fast")]
public sealed class TextTokenizerTests
{
    /// <summary>Text of letters, digits and marks of several scripts, inside the basic plane and outside.</summary>
    private static readonly Gen<string> s_text = Gen.OneOf(
        "a", "Zebra", "é", "e\u0301", "я", "中", "𠮷", "𝟘", "𝒜", "😀", "👩\u200d👧", "9", "42", "½", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "'s", "'LL", "'ſ", "don't",
        "<|", "|>", "!", "...", "\0", "_").Array[0, 24].Select(string.Concat);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Encode_SpecialSpellingsInText_GivesTextTokensOnly(bool original)
    {
        var fixture = FixtureTokenizers.Of(original);
        var special = fixture.Special.Ids.Values.ToHashSet();
        var spelling = Gen.OneOf([.. fixture.Special.Ids.Keys, "<image>", "<|image start|>8*8<|image token|>"]);
        Gen.OneOf(s_text, spelling).Array[1, 8].Select(string.Concat).Sample(
            text =>
            {
                var ids = fixture.Tokenizer.Encode(text);
                Assert.DoesNotContain(ids, special.Contains);
                Assert.Equal(original ? text.Normalize() : text, fixture.Tokenizer.Decode([.. ids]));

                // One BOS, put in by id; all else is text.
                var chat = fixture.Prompts.Build([new(ChatRole.System, [new ChatPart.Text(text)]), new(ChatRole.User, [new ChatPart.Text(text)])], []);
                Assert.Equal(fixture.Tokens.BeginOfSequence, chat.Ids[0]);
                Assert.DoesNotContain(chat.Ids.Skip(1), special.Contains);
            },
            iter: 300);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Encode_After20000Words_StillGivesTheSame(bool original)
    {
        var fixture = FixtureTokenizers.Of(original);
        ChatMessage[] messages = [new(ChatRole.User, [new ChatPart.Picture(default), new ChatPart.Text("What is it?")])];
        PictureCodes[] pictures = [new(2, 3, [0, 1, 2, 3, 4, 5])];
        var before = fixture.Prompts.Build(messages, pictures).Ids;
        var image = fixture.Prompts.Image("a big red star", 8, 8);
        for (var i = 0; i < 20_000; i++)
        {
            fixture.Tokenizer.Encode($" word{i:x}");
        }

        Assert.Equal(before, fixture.Prompts.Build(messages, pictures).Ids);
        Assert.Equal(image, fixture.Prompts.Image("a big red star", 8, 8));
        Assert.All(
            new[] { fixture.Tokens.BeginOfSequence, fixture.Tokens.BeginOfImage, fixture.Tokens.Image, fixture.Tokens.EndOfLine, fixture.Tokens.EndOfFrame, fixture.Tokens.EndOfImage },
            id => Assert.Contains(id, before));
    }

    [Fact]
    public void Encode_HalfASurrogatePair_CountsAsReplacement()
    {
        // Not in attributes, which can't hold half a pair.
        foreach (var (text, same) in new[] { ("\ud83d", "\ufffd"), ("a\udc00b", "a\ufffdb"), ("\udc00\ud83d", "\ufffd\ufffd"), ("\ud83d\ude00", "😀") })
        {
            Assert.Equal(FixtureTokenizers.Hub.Tokenizer.Encode(same), FixtureTokenizers.Hub.Tokenizer.Encode(text));
            Assert.Equal(FixtureTokenizers.Original.Tokenizer.Encode(same), FixtureTokenizers.Original.Tokenizer.Encode(text));
        }
    }

    [Fact]
    public void Encode_OriginalLayout_ComposesCharactersFirst()
    {
        Assert.Equal(FixtureTokenizers.Original.Tokenizer.Encode("caf\u00e9"), FixtureTokenizers.Original.Tokenizer.Encode("cafe\u0301"));
        Assert.NotEqual(FixtureTokenizers.Hub.Tokenizer.Encode("caf\u00e9"), FixtureTokenizers.Hub.Tokenizer.Encode("cafe\u0301"));
    }

    /// <summary>Valid in JSON, and in no library's way: noncharacters of every plane, private use, controls, marks without a letter.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Encode_AnyUnicodeText_IsTakenAsTheReferenceTakesIt(bool original)
    {
        var tokenizer = FixtureTokenizers.Of(original).Tokenizer;
        string[] odd =
        [
            .. Enumerable.Range(0xFDD0, 32).Select(char.ConvertFromUtf32), .. Enumerable.Range(0, 17).SelectMany(plane => new[] { 0xFFFE, 0xFFFF }.Select(unit => char.ConvertFromUtf32((plane << 16) | unit))),
            .. Enumerable.Range(0, 32).Select(char.ConvertFromUtf32), "\u007f", "\u0085", "\u2028", "\u2029", "\ufeff", "\ufffd", "\ue000", "\u0489", "\u202e", char.ConvertFromUtf32(0xE0001), char.ConvertFromUtf32(0x10FFFD),
        ];
        Assert.All(odd, text =>
        {
            Assert.Equal(text, tokenizer.Decode([.. tokenizer.Encode(text)]));
            Assert.Equal($"a{text}b", tokenizer.Decode([.. tokenizer.Encode($"a{text}b")]));
        });

        // Beside a noncharacter all is composed as without it, and nothing across it.
        Assert.Equal(original ? "caf\u00e9\ufffe\u0301caf\u00e9" : "cafe\u0301\ufffe\u0301cafe\u0301", tokenizer.Decode([.. tokenizer.Encode("cafe\u0301\ufffe\u0301cafe\u0301")]));
        Assert.Equal("\ufffe\ufffe", tokenizer.Decode([.. tokenizer.Encode("\ufffe\ufffe")]));
    }

    /// <summary>Marks in the worst order there is take time that grows with the square of their number in some libraries.</summary>
    [Fact]
    public void Encode_LongestRunOfMarks_IsTaken()
    {
        var text = "a" + string.Concat(Enumerable.Repeat("\u0301\u0316", 16_000));
        var ids = FixtureTokenizers.Original.Tokenizer.Encode(text);
        Assert.Equal(text.Normalize(), FixtureTokenizers.Original.Tokenizer.Decode([.. ids]));
    }

    [Fact]
    public void BytesOf_SpecialAndUnknownIds_AreNone()
    {
        var (tokenizer, tokens) = (FixtureTokenizers.Hub.Tokenizer, FixtureTokenizers.Hub.Tokens);
        Assert.All(new[] { tokens.BeginOfSequence, tokens.FirstVisual, 1 << 20, -1 }, id => Assert.Equal(0, tokenizer.BytesOf(id).Length));
        Assert.Equal("a", tokenizer.Decode([tokens.BeginOfSequence, .. tokenizer.Encode("a"), tokens.EndOfSequence]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void StreamingDecoder_AnyTokens_GivesTheWholeText(bool original)
    {
        var fixture = FixtureTokenizers.Of(original);
        Gen.OneOf(
            Gen.Int[0, fixture.Tokens.FirstVisual + 3].Array[0, 40],
            s_text.Select(text => fixture.Tokenizer.Encode(text).ToArray())).Sample(
            ids =>
            {
                var decoder = new StreamingDecoder(fixture.Tokenizer);
                string[] pieces = [.. ids.Select(decoder.Push), decoder.Flush()];
                Assert.Equal(fixture.Tokenizer.Decode(ids), string.Concat(pieces));
                Assert.All(pieces, piece => Assert.False(piece.Length > 0 && (char.IsHighSurrogate(piece[^1]) || char.IsLowSurrogate(piece[0])), "A character was split."));
            },
            iter: 500);
    }

    [Fact]
    public void StreamingDecoder_CharacterOverSeveralTokens_ComesWithItsLastOne()
    {
        var tokenizer = FixtureTokenizers.Hub.Tokenizer;
        var ids = tokenizer.Encode("😀!");
        Assert.True(ids.Count > 2, "The fixture has no token for this character.");
        var decoder = new StreamingDecoder(tokenizer);
        Assert.Equal([.. Enumerable.Repeat("", ids.Count - 2), "😀", "!"], ids.Select(decoder.Push));
        Assert.Equal("", decoder.Flush());
    }

    [Fact]
    public void StreamingDecoder_CharacterThatIsNeverCompleted_IsReplacedAtTheEnd()
    {
        var tokenizer = FixtureTokenizers.Hub.Tokenizer;
        var decoder = new StreamingDecoder(tokenizer);
        Assert.Equal("", decoder.Push(tokenizer.Encode("😀")[0]));
        Assert.Equal("\ufffd", decoder.Flush());
    }
}
