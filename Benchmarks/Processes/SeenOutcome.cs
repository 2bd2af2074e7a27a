using System.Text.Json;

namespace Emu3.Benchmarks.Processes;

/// <summary>How an item ended, as the API tells it.</summary>
/// <param name="Index">Place in its job.</param>
/// <param name="Status"><c>done</c>, <c>failed</c> or <c>cancelled</c>.</param>
/// <param name="TokensHash">SHA-256 of its tokens, in hex; null unless done.</param>
/// <param name="FileHash">SHA-256 of its file, in hex; null unless done.</param>
/// <param name="Error">Code of its failure; null unless failed.</param>
internal sealed record SeenOutcome(int Index, string Status, string? TokensHash, string? FileHash, string? Error)
{
    public static SeenOutcome From(JsonElement outcome) => new(
        outcome.GetProperty("index").GetInt32(),
        outcome.GetProperty("status").GetString()!,
        outcome.GetProperty("tokens_sha256").GetString(),
        outcome.GetProperty("file_sha256").GetString(),
        outcome.GetProperty("error") is { ValueKind: JsonValueKind.Object } error ? error.GetProperty("code").GetString() : null);
}
