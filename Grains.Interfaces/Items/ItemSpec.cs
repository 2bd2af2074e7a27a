using System.Text.Json.Serialization;

namespace Emu3.Grains.Interfaces;

/// <summary>One output to make, with everything resolved: exactly one of <see cref="Image"/> and <see cref="Chat"/> is set.</summary>
[GenerateSerializer, Immutable, Alias("emu3.ItemSpec")]
public sealed record ItemSpec
{
    /// <summary>The submitter's name for it; with <see cref="SampleIndex"/> unique in the job.</summary>
    [Id(0)] public required string Id { get; init; }

    /// <summary>Which of the n samples of one request.</summary>
    [Id(1)] public uint SampleIndex { get; init; }
    [Id(2)] public required ulong Seed { get; init; }
    [Id(3)] public required SamplingSpec Sampling { get; init; }
    [Id(4)] public ImageSpec? Image { get; init; }
    [Id(5)] public ChatSpec? Chat { get; init; }
}

/// <summary>How the next token is drawn.</summary>
/// <param name="Temperature">0 takes the most likely token.</param>
/// <param name="TopK">0 keeps all.</param>
/// <param name="TopP">1 keeps all.</param>
[GenerateSerializer, Immutable, Alias("emu3.SamplingSpec")]
public readonly record struct SamplingSpec([property: Id(0)] double Temperature, [property: Id(1)] int TopK, [property: Id(2)] double TopP);

/// <summary>A picture to draw, and the file to make of it.</summary>
[GenerateSerializer, Immutable, Alias("emu3.ImageSpec")]
public sealed record ImageSpec
{
    /// <summary>The exact text, suffix included.</summary>
    [Id(0)] public required string Prompt { get; init; }
    [Id(1)] public required string NegativePrompt { get; init; }

    /// <summary>1 is off.</summary>
    [Id(2)] public required double GuidanceScale { get; init; }
    [Id(3)] public required int LatentHeight { get; init; }
    [Id(4)] public required int LatentWidth { get; init; }
    [Id(5)] public PictureFormat Format { get; init; }

    /// <summary>1–100 for JPEG and WebP (100 is lossless WebP); PNG ignores it.</summary>
    [Id(6)] public int Quality { get; init; } = 95;

    /// <summary>Whether the file carries its own recipe.</summary>
    [Id(7)] public bool EmbedRecipe { get; init; } = true;
}

/// <summary>File formats of pictures that we make.</summary>
public enum PictureFormat { Png = 0, Jpeg = 1, Webp = 2 }

/// <summary>A question to answer.</summary>
[GenerateSerializer, Immutable, Alias("emu3.ChatSpec")]
public sealed record ChatSpec
{
    [Id(0)] public required IReadOnlyList<ChatTurn> Turns { get; init; }
    [Id(1)] public required int MaxNewTokens { get; init; }

    /// <summary>
    /// The answer ends before the first of these in its text; none is empty. Null: nothing ends it. It is not in the JSON then, by whose hash an output folder
    /// knows what is in it.
    /// </summary>
    [Id(2), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public IReadOnlyList<string>? Stop { get; init; }
}

/// <summary>One turn of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Parts">In order.</param>
[GenerateSerializer, Immutable, Alias("emu3.ChatTurn")]
public sealed record ChatTurn([property: Id(0)] string Role, [property: Id(1)] IReadOnlyList<ChatTurnPart> Parts);

/// <summary>Exactly one of the two is set.</summary>
/// <param name="Text">User text.</param>
/// <param name="PictureBlob">Key of a picture file in the blob store.</param>
[GenerateSerializer, Immutable, Alias("emu3.ChatTurnPart")]
public sealed record ChatTurnPart([property: Id(0)] string? Text, [property: Id(1)] string? PictureBlob);
