using System.Text.Json;
using System.Text.Json.Serialization;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Workers;

/// <summary>
/// How a picture was made, embedded in its file: all that is needed to make it again, and nothing that differs between two makings.
/// Equal tokens give equal bytes.
/// </summary>
public static class PictureRecipe
{
    private static readonly string s_software = $"Emu3.Cluster {typeof(PictureRecipe).Assembly.GetName().Version?.ToString(3)}";

    /// <summary>The recipe as JSON.</summary>
    public static string Of(ItemSpec item, string model, string weightsHash, byte[] tokensHash) => JsonSerializer.Serialize(
        new Fields(
            item.Image!.Prompt, item.Image.NegativePrompt, item.Image.GuidanceScale, item.Seed, item.SampleIndex, item.Sampling.Temperature,
            item.Sampling.TopK, item.Sampling.TopP, item.Image.LatentHeight, item.Image.LatentWidth, model, weightsHash,
            Convert.ToHexStringLower(tokensHash), s_software),
        RecipeJson.Default.Fields);

    // The seed is text: a 64-bit number loses digits in many readers of JSON.
    internal sealed record Fields(
        string Prompt, string NegativePrompt, double GuidanceScale,
        [property: JsonNumberHandling(JsonNumberHandling.WriteAsString)] ulong Seed, uint SampleIndex, double Temperature, int TopK, double TopP,
        int LatentHeight, int LatentWidth, string Model, string WeightsHash,
        [property: JsonPropertyName("tokens_sha256")] string TokensHash, string Software);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PictureRecipe.Fields))]
internal sealed partial class RecipeJson : JsonSerializerContext;
