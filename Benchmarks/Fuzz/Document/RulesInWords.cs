using System.Text.Json;

namespace Emu3.Benchmarks.Fuzz.Document;

/// <summary>
/// What the document says in words, because a schema can't: rules between fields, and those that depend on the model or on what is there. A request that the
/// schemas allow may be refused for one of these with 400, and for nothing else.
/// </summary>
internal static class RulesInWords
{
    /// <summary>Codes of errors about the state of things, or about what the model takes.</summary>
    private static readonly string[] s_codes =
    [
        "job_not_ended", "invalid_job_state", "key_not_valid", "no_webhook", "quota_exceeded", "too_many_files", "too_many_keys", "context_length_exceeded", "size_not_supported",
        "not_supported_by_model", "image_not_readable",
    ];

    /// <summary>Parts of messages, each of one rule.</summary>
    private static readonly string[] s_messages =
    [
        // between fields
        "says both shape and area", "only a stream has previews", "in a stream", "a stream has 1 picture", "stands alone", "is given beside",
        "only the user's messages have pictures", "ids must differ", "question: is missing", "must not be after to",
        // what is there, and what the model takes
        "There is no file", "must be the id of an uploaded file", "has the purpose", "must be the id of a file that is there", "must be the id of a batch that is there", "must be the id of a job", "must be an address of the public internet",
        "positions", "is not a PNG", "the nearest that it was trained for", "and the job runs on",
        // the next page of a list that moved on, the place in a stream of another item
        "must be the \"next\" of the page before", "must be the id of an event",
    ];

    /// <summary>The message of a refusal that no rule in words stands for; null when one does.</summary>
    public static string? Unexplained(JsonElement answer)
    {
        var error = answer.GetProperty("error");
        if (error.GetProperty("code").GetString() is { } code && s_codes.Contains(code)) return null;
        // Of many lines each must be wrong for such a rule.
        var messages = error.TryGetProperty("line_errors", out var lines)
            ? [.. lines.EnumerateArray().Select(line => $"{line.GetProperty("param").GetString()}: {line.GetProperty("message").GetString()}")]
            : new List<string> { error.GetProperty("message").GetString()! };
        return messages.Find(message => !s_messages.Any(rule => message.Contains(rule, StringComparison.Ordinal)));
    }
}
