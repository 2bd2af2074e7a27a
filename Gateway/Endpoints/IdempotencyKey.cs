namespace Emu3.Gateway.Endpoints;

/// <summary>The header <c>Idempotency-Key</c>: a request that is sent again under it makes nothing a second time.</summary>
internal static class IdempotencyKey
{
    public const int Longest = 255;

    /// <summary>The key, null when there is none; or the refusal of one that is too long.</summary>
    public static (string? Key, FailureResponse? Refusal) Of(HttpRequest request) => request.Headers["Idempotency-Key"].ToString() switch
    {
        { Length: 0 } => (null, null),
        { Length: > Longest } key => (null, FailureResponses.BadRequest([new("", $"Idempotency-Key has {key.Length} characters; {Longest} are allowed.")])),
        var key => (key, null),
    };
}
