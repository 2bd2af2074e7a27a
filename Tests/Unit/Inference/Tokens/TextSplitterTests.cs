using System.Text.RegularExpressions;
using CsCheck;
using Emu3.Inference.Tokens;

namespace Emu3.Tests.Unit.Inference.Tokens;

/// <summary>Inside the basic plane .NET's regular expressions see what the references' see, so there they are the oracle.</summary>
[Trait("Suite", "Fast")]
public sealed partial class TextSplitterTests
{
    private static readonly Gen<string> s_text = Gen.OneOf(
        Gen.OneOf("'s", "'T", "'re", "'LL", "'d", "'", " ", " ", "\n", "\r", "\t", "\u00a0", "\u0085", "\u200b", "\u3000", "a", "Z", "é", "中", "ǅ", "ʰ", "0", "9", "½", "Ⅷ", "٣", ".", "_", "!"),
        Gen.Char['\u0001', '\ud7ff'].Select(c => c.ToString())).Array[0, 16].Select(string.Concat);

    [Fact]
    public void Gpt2_AnyTextOfTheBasicPlane_SplitsAsItsPattern() =>
        s_text.Sample(text => Assert.Equal(Gpt2().Matches(text).Select(match => match.Value), Pieces(SplitPattern.Gpt2, text)), iter: 3000);

    [Fact]
    public void Qwen_AnyTextOfTheBasicPlane_SplitsAsItsPattern() =>
        s_text.Where(text => !text.Contains('ſ', StringComparison.Ordinal)).Sample(
            text => Assert.Equal(Qwen().Matches(text).Select(match => match.Value), Pieces(SplitPattern.Qwen, text)), iter: 3000);

    [Theory]
    [InlineData(SplitPattern.Gpt2, "𠮷野家 𝟘𝟙a 😀x", new[] { "𠮷野家", " 𝟘𝟙", "a", " 😀", "x" })]
    [InlineData(SplitPattern.Qwen, "𠮷野家 𝟘𝟙a 😀x", new[] { "𠮷野家", " ", "𝟘", "𝟙", "a", " 😀", "x" })]
    [InlineData(SplitPattern.Qwen, "😀x", new[] { "😀x" })]
    [InlineData(SplitPattern.Gpt2, "😀x", new[] { "😀", "x" })]
    [InlineData(SplitPattern.Qwen, "it'ſ", new[] { "it", "'ſ" })]
    public void Split_OutsideTheBasicPlane_SeesCharacters(object pattern, string text, string[] pieces) =>
        Assert.Equal(pieces, Pieces((SplitPattern)pattern, text));

    private static IEnumerable<string> Pieces(SplitPattern pattern, string text) =>
        TextSplitter.For(pattern).PreTokenize(text).Select(piece => text.Substring(piece.Offset, piece.Length));

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Gpt2();

    [GeneratedRegex(
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Qwen();
}
