using System.Text.Json;
using System.Text.Unicode;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>How JSON from outside is parsed everywhere.</summary>
public static class StrictJson
{
    /// <summary>A key that comes twice is an error, and nothing nests deeper than 32.</summary>
    private static readonly JsonDocumentOptions s_options = new() { AllowDuplicateProperties = false, MaxDepth = 32 };
    private static readonly JsonReaderOptions s_readerOptions = new() { MaxDepth = 32 };

    /// <summary>
    /// Parses one value. What it returns can be read without exceptions: its strings are Unicode, which JSON alone does not promise (bytes that are no
    /// UTF-8, an escaped half of a surrogate pair). Null when it can't be, with what is wrong. A byte order mark before it, as Windows programs and
    /// pandas' "utf-8-sig" write it, is passed over.
    /// </summary>
    public static JsonDocument? Parse(ReadOnlyMemory<byte> json, out string error)
    {
        error = "";
        json = json[MarkLength(json.Span)..];
        try
        {
            if (!Utf8.IsValid(json.Span)) error = "is not valid UTF-8.";
            else if (!HasWholeStrings(json.Span)) error = "has a string with half of a surrogate pair, which is no Unicode text.";
            else return JsonDocument.Parse(json, s_options);
        }
        catch (JsonException e)
        {
            error = $"is not valid JSON: {e.Message}";
        }
        return null;
    }

    /// <summary>Bytes of the byte order mark that a text begins with; 0 where there is none.</summary>
    public static int MarkLength(ReadOnlySpan<byte> text) => text.StartsWith("\uFEFF"u8) ? 3 : 0;

    private static bool HasWholeStrings(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, s_readerOptions);
        while (reader.Read())
        {
            if (!reader.ValueIsEscaped) continue;
            try
            {
                reader.GetString();
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }
        return true;
    }
}
