using System.Text.Json.Serialization;

namespace Emu3.Gateway.Contracts;

/// <summary>OpenAI's <c>response</c>, whole: while it is made, and as it ended. Fields of what we do not have are what OpenAI's clients take for "none".</summary>
internal sealed record ResponseAnswer
{
    public required string Id { get; init; }
    public string Object { get; } = "response";

    /// <summary>Unix seconds.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>One of <see cref="ResponseStatus"/>.</summary>
    public string Status { get; init; } = ResponseStatus.InProgress;
    public bool Background { get; }

    /// <summary>Why it failed; null when it did not.</summary>
    public ResponseError? Error { get; init; }

    /// <summary>Why it was cut; null when it was not.</summary>
    public ResponseCut? IncompleteDetails { get; init; }

    /// <summary>As it was sent; null in a batch.</summary>
    public string? Instructions { get; init; }
    public required int MaxOutputTokens { get; init; }
    public required string Model { get; init; }

    /// <summary>One message, or none yet.</summary>
    public IReadOnlyList<ResponseMessage> Output { get; init; } = [];
    public bool ParallelToolCalls { get; } = true;
    public string? PreviousResponseId { get; }
    public ResponseReasoning Reasoning { get; } = new();

    /// <summary>Always false, whatever was asked for: responses are not kept.</summary>
    public bool Store { get; }
    public required double Temperature { get; init; }
    public ResponseFormat Text { get; } = new(new());
    public string ToolChoice { get; } = "auto";
    public IReadOnlyList<object> Tools { get; } = [];
    public required double TopP { get; init; }
    public string Truncation { get; } = "disabled";

    /// <summary>Null until it has ended.</summary>
    public ResponseUsage? Usage { get; init; }

    /// <summary>The client's own pairs; empty in a batch.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }
}

/// <summary>Words for how a response or its message stands.</summary>
internal static class ResponseStatus
{
    public const string InProgress = "in_progress";
    public const string Completed = "completed";

    /// <summary>Cut at <c>max_output_tokens</c>.</summary>
    public const string Incomplete = "incomplete";
    public const string Failed = "failed";
}

/// <summary>Why a response failed.</summary>
/// <param name="Code">One of OpenAI's closed list, so that strict clients can read it: <c>server_error</c>, <c>invalid_prompt</c>, <c>image_parse_error</c>.</param>
/// <param name="Message">For a person.</param>
internal sealed record ResponseError(string Code, string Message);

/// <summary>Why a response was cut.</summary>
internal sealed record ResponseCut(string Reason);

/// <summary>None.</summary>
internal sealed record ResponseReasoning
{
    public string? Effort { get; }
    public string? Summary { get; }
}

/// <summary>Plain text.</summary>
internal sealed record ResponseFormat(ResponseFormatType Format);

/// <summary>Plain text.</summary>
internal sealed record ResponseFormatType
{
    public string Type { get; } = "text";
}

/// <summary>What the model said.</summary>
internal sealed record ResponseMessage(string Id, string Status, IReadOnlyList<ResponseText> Content)
{
    public string Type { get; } = "message";
    public string Role { get; } = "assistant";
}

/// <summary>The one part of a message.</summary>
internal sealed record ResponseText(string Text)
{
    public string Type { get; } = "output_text";
    public IReadOnlyList<object> Annotations { get; } = [];
    public IReadOnlyList<object> Logprobs { get; } = [];
}

/// <summary>Tokens in and out.</summary>
internal sealed record ResponseUsage(int InputTokens, int OutputTokens, int TotalTokens, ResponseInputTokens InputTokensDetails)
{
    public ResponseOutputTokens OutputTokensDetails { get; } = new();
}

/// <summary>The prompt's tokens by what they stand for; none comes from a cache.</summary>
internal sealed record ResponseInputTokens(int TextTokens, int ImageTokens)
{
    public int CachedTokens { get; }
}

/// <summary>All of them are the answer's.</summary>
internal sealed record ResponseOutputTokens
{
    public int ReasoningTokens { get; }
}

/// <summary>An event of a stream; which fields it has besides the first two, its type says.</summary>
internal sealed record ResponseEvent(string Type, int SequenceNumber)
{
    /// <summary>Of events about the whole response.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public ResponseAnswer? Response { get; init; }

    /// <summary>Of events about the message as a whole.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public ResponseMessage? Item { get; init; }

    /// <summary>Place of the message, or of the one that the event's text belongs to, in <c>output</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? OutputIndex { get; init; }

    /// <summary>The message that the event's text belongs to.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? ItemId { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public int? ContentIndex { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public ResponseText? Part { get; init; }

    /// <summary>Added text.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Delta { get; init; }

    /// <summary>The whole text, at its end.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public string? Text { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] public IReadOnlyList<object>? Logprobs { get; init; }
}
