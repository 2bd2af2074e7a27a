using System.Text.Json.Serialization;

namespace Emu3.Gateway.Contracts;

/// <summary>OpenAI's <c>chat.completion</c>.</summary>
internal sealed record ChatAnswer(string Id, long Created, string Model, IReadOnlyList<ChatChoice> Choices, ChatUsage Usage)
{
    public string Object { get; } = "chat.completion";
}

/// <summary>The one answer that there is.</summary>
internal sealed record ChatChoice(int Index, ChatMessageAnswer Message, string FinishReason)
{
    public object? Logprobs { get; }
}

/// <summary>What the model said.</summary>
internal sealed record ChatMessageAnswer(string Content)
{
    public string Role { get; } = "assistant";
    public string? Refusal { get; }
    public IReadOnlyList<object> Annotations { get; } = [];
}

/// <summary>Tokens in and out.</summary>
internal sealed record ChatUsage(int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokenKinds PromptTokensDetails);

/// <summary>The prompt's tokens by what they stand for; none comes from a cache.</summary>
internal sealed record PromptTokenKinds(int TextTokens, int ImageTokens)
{
    public int CachedTokens { get; }
}

/// <summary>A piece of a streamed answer: <c>chat.completion.chunk</c>.</summary>
internal sealed record ChatChunk(string Id, long Created, string Model, IReadOnlyList<ChatChunkChoice> Choices)
{
    public string Object { get; } = "chat.completion.chunk";

    /// <summary>In the last chunk, when asked for.</summary>
    public ChatUsage? Usage { get; init; }
}

/// <summary>What the chunk adds.</summary>
internal sealed record ChatChunkChoice(int Index, ChatDelta Delta, string? FinishReason)
{
    public object? Logprobs { get; }
}

/// <summary>Added text; the first has the role.</summary>
internal sealed record ChatDelta
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Role { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Content { get; init; }
}
