using System.Globalization;
using System.Text;

namespace Emu3.Gateway.Files;

/// <summary>What a client calls its file: kept for showing alone. No name ever becomes a path of ours; cleaned, it is none of the reader's either.</summary>
internal static class FileName
{
    private const string Nameless = "file";

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
