using System.Text.Json;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>What an answer to a request amounts to: as a gateway should, or a violation.</summary>
internal static class AnswerCheck
{
    /// <summary>Of larger requests the server need not read the rest before it closes, and the answer may be lost on the way.</summary>
    private const int LargeRequest = 256 << 10;

    private static readonly string[] s_errorKeys = ["message", "type", "param", "code"];

    /// <summary>
    /// What is wrong where no single field is: the body as a whole, the form, a header. Errors of such requests need no <c>param</c>; their message says
    /// which of these it is about.
    /// </summary>
    private static readonly string[] s_wholes = ["body", "form", "job object", "line", "Content-Type", "Idempotency-Key"];

    /// <summary>Codes of errors that are about what is there already, and not about a field of the request.</summary>
    private static readonly string[] s_states =
        ["job_not_ended", "invalid_job_state", "quota_exceeded", "too_many_files", "too_many_keys", "key_not_valid", "no_webhook"];

    /// <summary>What it is.</summary>
    public static FuzzOutcome Judge(FuzzRequest request, FuzzAnswer answer) => answer.End switch
    {
        ExchangeEnd.Hung => FuzzOutcome.Hang,
        ExchangeEnd.NotConnected => FuzzOutcome.Crash,
        ExchangeEnd.Cut => FuzzOutcome.Cut,
        // Whoever breaks HTTP's rules, or sends more than is read, may find the connection closed.
        ExchangeEnd.Closed when answer.Status < 500 => request.MayBreakProtocol || request.Bytes.Length > LargeRequest ? FuzzOutcome.Cut : FuzzOutcome.Unanswered,
        _ => answer.Status switch
        {
            101 => FuzzOutcome.Malformed, // nothing here is ever switched to
            >= 200 and < 300 => answer.Text.Contains("\"code\":\"internal_error\"", StringComparison.Ordinal) ? FuzzOutcome.ServerError : FuzzOutcome.Success,
            >= 300 and < 400 => FuzzOutcome.Success,
            >= 400 and < 500 => JudgeRefusal(request, answer),
            // HTTP's own answer to a version that is not served (RFC 9110, 15.6.6).
            505 when request.MayBreakProtocol && IsOfServer(answer) => FuzzOutcome.ParserRefusal,
            _ => FuzzOutcome.ServerError,
        },
    };

    private static FuzzOutcome JudgeRefusal(FuzzRequest request, FuzzAnswer answer)
    {
        if (IsOfServer(answer)) return request.MayBreakProtocol ? FuzzOutcome.ParserRefusal : FuzzOutcome.Malformed;
        if (answer.Status == 409) return FuzzOutcome.Malformed; // clients would repeat it
        if (request.Method == "HEAD") return FuzzOutcome.Refusal;
        if (answer.Header("Content-Type")?.StartsWith("application/json", StringComparison.Ordinal) != true || answer.Header("x-request-id") is null) return FuzzOutcome.Malformed;
        try
        {
            using var body = JsonDocument.Parse(answer.Body);
            var error = body.RootElement.GetProperty("error");
            if (!error.EnumerateObject().Select(property => property.Name).Take(4).SequenceEqual(s_errorKeys)) return FuzzOutcome.Malformed;
            var message = error.GetProperty("message").GetString();
            if (string.IsNullOrWhiteSpace(message) || string.IsNullOrWhiteSpace(error.GetProperty("type").GetString()) || message.Contains("   at ", StringComparison.Ordinal)) return FuzzOutcome.Malformed;
            if (answer.Status == 429 && answer.Header("Retry-After") is null) return FuzzOutcome.Malformed;
            return answer.Status == 400 && !IsNamed(request, message, error.GetProperty("param").GetString(), error.GetProperty("code").GetString()) ? FuzzOutcome.Unnamed : FuzzOutcome.Refusal;
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return FuzzOutcome.Malformed;
        }
    }

    /// <summary>The server closed the connection before it was a request: nothing of the gateway has seen it.</summary>
    private static bool IsOfServer(FuzzAnswer answer) => answer.Body.Length == 0 && answer.Header("x-request-id") is null && answer.Header("Content-Type") is null;

    private static bool IsNamed(FuzzRequest request, string message, string? param, string? code)
    {
        if (!string.IsNullOrEmpty(param) || s_states.Contains(code)) return true;
        return (!request.HasReadableBody || message.Contains("Idempotency-Key", StringComparison.Ordinal)) && s_wholes.Any(whole => message.Contains(whole, StringComparison.OrdinalIgnoreCase));
    }
}

/// <summary>What an answer amounts to. From <see cref="ServerError"/> on: a violation.</summary>
internal enum FuzzOutcome
{
    /// <summary>2xx, 3xx.</summary>
    Success,

    /// <summary>4xx, as it should be.</summary>
    Refusal,

    /// <summary>The server found that it is no HTTP, and closed the connection, with a status and without a body.</summary>
    ParserRefusal,

    /// <summary>The client, or the server where it may, closed the connection.</summary>
    Cut,

    /// <summary>5xx, or an event of a stream that says so.</summary>
    ServerError,

    /// <summary>The gateway is not there any more.</summary>
    Crash,

    /// <summary>No answer by the deadline.</summary>
    Hang,

    /// <summary>An error that has not OpenAI's shape.</summary>
    Malformed,

    /// <summary>400 that does not say what is wrong.</summary>
    Unnamed,

    /// <summary>The server closed the connection of a request that it should have answered.</summary>
    Unanswered,
}
