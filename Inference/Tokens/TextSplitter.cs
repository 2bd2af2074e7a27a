using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Emu3.Inference.Tokens;

/// <summary>
/// Cuts a text into the pieces that byte pairs are merged in. Written out instead of run as a regular expression, because .NET's see UTF-16 units:
/// letters and digits outside the basic plane (𠮷, 𝟘) are neither <c>\p{L}</c> nor <c>\p{N}</c> to them. <c>\s</c> is Unicode's White_Space, as in the references' engines.
/// </summary>
internal abstract class TextSplitter : PreTokenizer
{
    public static TextSplitter For(SplitPattern pattern) => pattern switch
    {
        SplitPattern.Gpt2 => new Gpt2Splitter(),
        SplitPattern.Qwen => new QwenSplitter(),
        _ => throw new ArgumentOutOfRangeException(nameof(pattern), pattern, "Not a pattern."),
    };

    public override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = PieceEnd(text, start);
            yield return (start, end - start);
        }
    }

    public override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text) => PreTokenize(text.ToString());

    /// <summary>Where the piece ends that starts at <paramref name="start"/>: always behind it.</summary>
    protected abstract int PieceEnd(ReadOnlySpan<char> text, int start);

    protected static Kind KindAt(ReadOnlySpan<char> text, int index) =>
        index >= text.Length ? Kind.End : KindOf(RuneAt(text, index));

    /// <summary>The end of a run of one kind.</summary>
    protected static int RunEnd(ReadOnlySpan<char> text, int index, Kind kind)
    {
        while (KindAt(text, index) == kind)
        {
            index = Next(text, index);
        }

        return index;
    }

    /// <summary>The index behind one character, which may take two UTF-16 units.</summary>
    protected static int Next(ReadOnlySpan<char> text, int index) => index + RuneAt(text, index).Utf16SequenceLength;

    /// <summary>Behind <c>'s 't 're 've 'm 'll 'd</c>; <paramref name="start"/> where there is none.</summary>
    protected static int ContractionEnd(ReadOnlySpan<char> text, int start, bool ignoreCase)
    {
        if (text[start] == '\'')
        {
            foreach (var ending in new[] { "s", "t", "m", "d", "re", "ve", "ll" })
            {
                if (StartsWith(text[(start + 1)..], ending, ignoreCase))
                {
                    return start + 1 + ending.Length;
                }
            }
        }

        return start;
    }

    /// <summary><c>\s+(?!\S)|\s+</c>: a run of white space leaves its last character to the word behind it, unless it is the only one.</summary>
    protected static int WhiteSpaceEnd(ReadOnlySpan<char> text, int start)
    {
        var end = RunEnd(text, start, Kind.White);
        return end < text.Length && end - start > 1 ? end - 1 : end;
    }

    private static bool StartsWith(ReadOnlySpan<char> text, string ending, bool ignoreCase)
    {
        if (text.Length < ending.Length)
        {
            return false;
        }

        for (var i = 0; i < ending.Length; i++)
        {
            if (text[i] != ending[i] && !(ignoreCase && Folded(text[i]) == ending[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Unicode's simple case folding, as far as the contractions need it: ſ folds to s.</summary>
    private static char Folded(char unit) => unit == 'ſ' ? 's' : char.ToLowerInvariant(unit);

    private static Rune RuneAt(ReadOnlySpan<char> text, int index)
    {
        Rune.DecodeFromUtf16(text[index..], out var rune, out _);
        return rune;
    }

    private static Kind KindOf(Rune rune)
    {
        if (Rune.IsWhiteSpace(rune))
        {
            return Kind.White;
        }

        return Rune.GetUnicodeCategory(rune) switch
        {
            <= UnicodeCategory.OtherLetter => Kind.Letter, // Lu, Ll, Lt, Lm, Lo are the first five
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Number,
            _ => Kind.Other,
        };
    }

    protected enum Kind { Letter, Number, White, Other, End }
}

/// <summary><c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c></summary>
internal sealed class Gpt2Splitter : TextSplitter
{
    protected override int PieceEnd(ReadOnlySpan<char> text, int start)
    {
        if (ContractionEnd(text, start, ignoreCase: false) is var end && end > start)
        {
            return end;
        }

        var run = text[start] == ' ' ? start + 1 : start;
        var kind = KindAt(text, run);
        return kind is Kind.White or Kind.End ? WhiteSpaceEnd(text, start) : RunEnd(text, run, kind);
    }
}

/// <summary>
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>
/// </summary>
internal sealed class QwenSplitter : TextSplitter
{
    protected override int PieceEnd(ReadOnlySpan<char> text, int start)
    {
        if (ContractionEnd(text, start, ignoreCase: true) is var end && end > start)
        {
            return end;
        }

        var kind = KindAt(text, start);
        if (kind == Kind.Letter)
        {
            return RunEnd(text, start, Kind.Letter);
        }

        if (kind == Kind.Number)
        {
            return Next(text, start);
        }

        // One character of another kind goes with the letters behind it, unless it ends a line.
        var second = Next(text, start);
        if (!IsLineEnd(text[start]) && KindAt(text, second) == Kind.Letter)
        {
            return RunEnd(text, second, Kind.Letter);
        }

        var run = text[start] == ' ' ? second : start;
        return KindAt(text, run) == Kind.Other ? LineEndsEnd(text, RunEnd(text, run, Kind.Other)) : LinesOrWhiteSpaceEnd(text, start);
    }

    /// <summary><c>\s*[\r\n]+|\s+(?!\S)|\s+</c>: up to the last line end of the white space, else as in every pattern.</summary>
    private static int LinesOrWhiteSpaceEnd(ReadOnlySpan<char> text, int start)
    {
        var lastLineEnd = text[start..RunEnd(text, start, Kind.White)].LastIndexOfAny('\r', '\n');
        return lastLineEnd >= 0 ? start + lastLineEnd + 1 : WhiteSpaceEnd(text, start);
    }

    private static int LineEndsEnd(ReadOnlySpan<char> text, int index)
    {
        while (index < text.Length && IsLineEnd(text[index]))
        {
            index++;
        }

        return index;
    }

    private static bool IsLineEnd(char unit) => unit is '\r' or '\n';
}
