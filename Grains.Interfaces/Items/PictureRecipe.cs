using System.Text.Json;
using System.Text.Json.Serialization;

namespace Emu3.Grains.Interfaces;

/// <summary>
/// How a picture was made, embedded in its file as JSON: all that is needed to make it again and to compare, and nothing that differs between two makings.
/// Equal tokens give equal bytes.
/// </summary>
public sealed record PictureRecipe
{
    /// <summary>The exact text, suffix included.</summary>
    public required string Prompt { get; init; }
    public required string NegativePrompt { get; init; }
    public required double GuidanceScale { get; init; }

    /// <summary>Text in the file: a 64-bit number loses digits in many readers of JSON.</summary>
    [JsonNumberHandling(JsonNumberHandling.WriteAsString | JsonNumberHandling.AllowReadingFromString)]
    public required ulong Seed { get; init; }
    public required uint SampleIndex { get; init; }
    public required double Temperature { get; init; }
    public required int TopK { get; init; }
    public required double TopP { get; init; }
    public required int LatentHeight { get; init; }
    public required int LatentWidth { get; init; }
    public required string Model { get; init; }
    public required string WeightsHash { get; init; }

    /// <summary>See <see cref="ItemResult.TokensHash"/>, in hex.</summary>
    [JsonPropertyName("tokens_sha256")] public required string TokensHash { get; init; }
    public string Software { get; init; } = s_software;

    /// <summary>See <see cref="PackedTokens"/>; left out where they do not fit the file's format.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Tokens { get; init; }

    private static readonly string s_software = $"Emu3.Cluster {typeof(PictureRecipe).Assembly.GetName().Version?.ToString(3)}";

    /// <param name="item">A picture.</param>
    /// <param name="model">Its name.</param>
    /// <param name="weightsHash">Of the model.</param>
    /// <param name="tokensHash">See <see cref="ItemResult.TokensHash"/>.</param>
    /// <param name="tokens">All of the generated part.</param>
    public static PictureRecipe Of(ItemSpec item, string model, string weightsHash, byte[] tokensHash, IReadOnlyList<int> tokens) => new()
    {
        Prompt = item.Image!.Prompt,
        NegativePrompt = item.Image.NegativePrompt,
        GuidanceScale = item.Image.GuidanceScale,
        Seed = item.Seed,
        SampleIndex = item.SampleIndex,
        Temperature = item.Sampling.Temperature,
        TopK = item.Sampling.TopK,
        TopP = item.Sampling.TopP,
        LatentHeight = item.Image.LatentHeight,
        LatentWidth = item.Image.LatentWidth,
        Model = model,
        WeightsHash = weightsHash,
        TokensHash = Convert.ToHexStringLower(tokensHash),
        Tokens = PackedTokens.Write(tokens),
    };

    public string ToJson() => JsonSerializer.Serialize(this, RecipeJson.Default.PictureRecipe);

    /// <summary>The recipe in a file's text; null when that is something else.</summary>
    public static PictureRecipe? Read(string? json)
    {
        if (json is null) return null;
        try
        {
            return JsonSerializer.Deserialize(json, RecipeJson.Default.PictureRecipe);
        }
        catch (JsonException)
        {
            return null; // another program's text, under our keyword or damaged
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PictureRecipe))]
internal sealed partial class RecipeJson : JsonSerializerContext;
