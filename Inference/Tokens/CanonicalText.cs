namespace Emu3.Inference.Tokens;

/// <summary>
/// Unicode's form NFC of any text, as Python's <c>unicodedata.normalize("NFC", …)</c> gives it. .NET's own method refuses U+FFFE, which is valid in JSON and
/// UTF-8: a noncharacter, that no other character composes with. So what stands between two of them is composed by itself, and they stay.
/// </summary>
internal static class CanonicalText
{
    private const char Refused = '\uFFFE';

    /// <param name="text">Whole Unicode: no half of a surrogate pair.</param>
    public static string Compose(string text) =>
        text.Contains(Refused, StringComparison.Ordinal) ? string.Join(Refused, text.Split(Refused).Select(part => part.Normalize())) : text.Normalize();
}
