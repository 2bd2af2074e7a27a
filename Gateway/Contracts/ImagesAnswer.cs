using System.Text.Json.Serialization;

namespace Emu3.Gateway.Contracts;

/// <summary>OpenAI's answer to <c>/v1/images/generations</c>, with each picture's seed and sample beside it.</summary>
internal sealed record ImagesAnswer
{
    /// <summary>Unix seconds.</summary>
    public required long Created { get; init; }
    public required IReadOnlyList<ImageAnswer> Data { get; init; }
    public string Background { get; } = "opaque";
    public required string OutputFormat { get; init; }

    /// <summary>What was drawn, which may differ from what was asked for.</summary>
    public required string Size { get; init; }
    public required ImagesUsage Usage { get; init; }
}

/// <summary>One picture, as base64 or as an address, and what makes it again.</summary>
internal sealed record ImageAnswer(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? B64Json,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Url,
    string Seed, uint Sample)
{
    /// <summary>Of a batch: the file of this picture, to be had with the key for as long as the batch is there.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? FileId { get; init; }
}

/// <summary>Tokens of all pictures together.</summary>
internal sealed record ImagesUsage(int TotalTokens, int InputTokens, int OutputTokens, TokenKinds InputTokensDetails, TokenKinds OutputTokensDetails);

/// <summary>Tokens by what they stand for.</summary>
internal sealed record TokenKinds(int TextTokens, int ImageTokens);

/// <summary>An event of a picture's stream: how far it has come, or the picture. The type says which.</summary>
internal sealed record ImageEvent
{
    public const string Partial = "image_generation.partial_image";
    public const string Completed = "image_generation.completed";

    public required string Type { get; init; }
    public required string B64Json { get; init; }

    /// <summary>From 0 on; only of previews.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? PartialImageIndex { get; init; }

    /// <summary>Unix seconds.</summary>
    public required long CreatedAt { get; init; }
    public required string Size { get; init; }
    public string Quality { get; } = "high";
    public string Background { get; } = "opaque";
    public required string OutputFormat { get; init; }

    /// <summary>Only of the picture, as the next two.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public ImagesUsage? Usage { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Seed { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public uint? Sample { get; init; }
}
