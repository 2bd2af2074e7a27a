using System.Globalization;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace Emu3.Gateway.Files;

/// <summary>What a client calls its file: kept for showing alone. No name ever becomes a path of ours; cleaned, it is none of the reader's either.</summary>
internal static class FileName
{
    private const string Nameless = "file";

    /// <summary>The name in a part of a form, cleaned: the one in a character set of its own where there is one that can be read.</summary>
    public static string Of(ContentDispositionHeaderValue part)
    {
        try
        {
            if (part.FileNameStar.HasValue) return Clean(part.FileNameStar.Value);
        }
        catch (NotSupportedException)
        {
            // A character set that .NET knows and refuses to read, as UTF-7.
            return Clean(HeaderUtilities.RemoveQuotes(part.FileName).Value);
        }

        return Clean(HeaderUtilities.RemoveQuotes(part.FileName).Value);
    }

    /// <summary>The last part of a path of any system, without control characters, direction marks and half surrogates, and not too long.</summary>
    public static string Clean(string? name)
    {
        var last = (name ?? "")[((name ?? "").LastIndexOfAny(['/', '\\', ':']) + 1)..];
        var text = new StringBuilder();
        foreach (var rune in last.EnumerateRunes())
        {
            if (text.Length + rune.Utf16SequenceLength > FileLimits.NameLength) break;
            if (!IsHidden(rune)) text.Append(rune);
        }

        var cleaned = text.ToString().Trim().TrimEnd('.');
        return cleaned.Length == 0 || cleaned.All(c => c == '.') ? Nameless : cleaned;
    }

    private static bool IsHidden(Rune rune) => rune == Rune.ReplacementChar || Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate;
}
