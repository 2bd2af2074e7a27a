using System.Text.Json;

namespace Emu3.Tests.Unit.Inference.Vision;

/// <summary>
/// The photos beside this file, each of a kind that decoders treat differently, and what Pillow 13.0 makes of them:
/// <c>ImageOps.exif_transpose(Image.open(file)).convert("RGB")</c>, as the SHA-256 of its bytes; null where Pillow refuses the file.
/// </summary>
static class CasePhotos
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private static readonly Dictionary<string, Expected?> s_expected =
        JsonSerializer.Deserialize<Dictionary<string, Expected?>>(File.ReadAllText(Path.Combine(Folder, "expected.json")), s_json)!;

    public static string Folder => Repository.PathTo("Tests", "Unit", "Inference", "Vision", "photos");

    public static IEnumerable<string> Names => s_expected.Keys;

    public static Expected? ExpectedOf(string name) => s_expected[name];

    public static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(Folder, name));

    /// <summary>Of the upright picture.</summary>
    internal sealed record Expected(int Width, int Height, string RgbSha256);
}
