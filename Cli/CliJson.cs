using System.Text.Encodings.Web;
using System.Text.Json;

namespace Emu3.Cli;

/// <summary>How this program reads and writes JSON.</summary>
internal static class CliJson
{
    /// <summary>The gateway's field names.</summary>
    public static JsonSerializerOptions Wire { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowReadingFromString,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Letters of all languages as they are: these files are for people too, and nothing of them is put into a web page unescaped.</summary>
    public static JsonSerializerOptions Readable { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
