using System.Globalization;
using System.Text.Json.Serialization;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Contracts;

/// <summary>How one item stands: its whole recipe, and what came of it.</summary>
internal sealed record OutcomeAnswer
{
    /// <summary>Place of the item in its job, from 0.</summary>
    public required int Index { get; init; }
    public required string Id { get; init; }

    /// <summary>Which of the samples of one request; with the seed it makes the same output again.</summary>
    public required uint Sample { get; init; }
    public required ItemStatus Status { get; init; }
    public required string Seed { get; init; }

    /// <summary><c>image</c> or <c>chat</c>.</summary>
    public required string Kind { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Prompt { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? NegativePrompt { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public double? GuidanceScale { get; init; }

    /// <summary>Text of the last turn of a chat item.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Question { get; init; }

    /// <summary>What the answer ends before; null when there is nothing.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public IReadOnlyList<string>? Stop { get; init; }
    public required double Temperature { get; init; }
    public required int TopK { get; init; }
    public required double TopP { get; init; }

    /// <summary>Pixels.</summary>
    public int? Width { get; init; }
    public int? Height { get; init; }

    /// <summary><c>png</c>, <c>jpeg</c>, <c>webp</c>; <c>text</c> for an answer.</summary>
    public required string Format { get; init; }
    public long? FileBytes { get; init; }
    public string? FileSha256 { get; init; }
    public string? TokensSha256 { get; init; }
    public TokenUsageAnswer? Usage { get; init; }

    /// <summary><c>stop</c>, or <c>length</c> when the answer was cut.</summary>
    public string? FinishReason { get; init; }

    /// <summary>The answer of a chat item; null when its file was released.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Text { get; init; }
    public string? NumericClass { get; init; }

    /// <summary>The device that finished it, as <c>node-7/GPU-5fd4f087-86f3-7a43-b711-4771313afc50</c> or <c>node-7/cpu</c>.</summary>
    public string? MadeBy { get; init; }

    /// <summary>The same recipe gives the same tokens again within the numeric class. False while there is no result.</summary>
    public bool Reproducible { get; init; }
    public OutcomeError? Error { get; init; }

    public static OutcomeAnswer Of(ItemOutcome outcome, JobSpec job, string? text) => Of(outcome.Spec, job) with
    {
        Index = outcome.Item,
        Status = outcome.Status,
        FileBytes = outcome.Result?.FileBytes,
        FileSha256 = outcome.Result is { } file ? Convert.ToHexStringLower(file.FileHash) : null,
        TokensSha256 = outcome.Result is { } tokens ? Convert.ToHexStringLower(tokens.TokensHash) : null,
        Usage = outcome.Result is { } used ? new(used.PromptTokens, used.GeneratedTokens, used.PromptTokens + used.GeneratedTokens) : null,
        FinishReason = outcome.Result switch { null => null, { CameToItsEnd: true } => "stop", _ => "length" },
        Text = text,
        NumericClass = outcome.Result?.NumericClass,
        MadeBy = outcome.Result?.MadeBy is { Length: > 0 } device ? device : null,
        Reproducible = outcome.Result?.IsReproducible ?? false,
        Error = outcome.Failure is { } failure ? new(FailureResponses.CodeOf(failure.Code), failure.Message) : null,
    };

    private static OutcomeAnswer Of(ItemSpec spec, JobSpec job) => new()
    {
        Index = 0,
        Id = spec.Id,
        Sample = spec.SampleIndex,
        Status = ItemStatus.Pending,
        Seed = spec.Seed.ToString(CultureInfo.InvariantCulture),
        Kind = spec.Image is not null ? "image" : "chat",
        Prompt = spec.Image?.Prompt,
        NegativePrompt = spec.Image?.NegativePrompt,
        GuidanceScale = spec.Image?.GuidanceScale,
        Question = spec.Chat is { } chat ? string.Concat((chat.Turns.LastOrDefault(turn => turn.Role == "user") ?? chat.Turns[^1]).Parts.Select(part => part.Text)) : null,
        Stop = spec.Chat?.Stop,
        Temperature = spec.Sampling.Temperature,
        TopK = spec.Sampling.TopK,
        TopP = spec.Sampling.TopP,
        Width = spec.Image?.LatentWidth * job.SpatialFactor,
        Height = spec.Image?.LatentHeight * job.SpatialFactor,
        Format = spec.Image is { } image ? FormatOf(image.Format) : "text",
    };

    public static string FormatOf(PictureFormat format) => format switch
    {
        PictureFormat.Jpeg => "jpeg",
        PictureFormat.Webp => "webp",
        _ => "png",
    };

    public static string ContentTypeOf(ItemSpec spec) => spec.Image is { } image ? $"image/{FormatOf(image.Format)}" : "text/plain; charset=utf-8";
}

/// <summary>Tokens in and out.</summary>
internal sealed record TokenUsageAnswer(int PromptTokens, int CompletionTokens, int TotalTokens);

/// <summary>Why an item failed.</summary>
internal sealed record OutcomeError(string Code, string Message);
