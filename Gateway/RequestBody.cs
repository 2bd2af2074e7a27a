using System.Text.Json;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway;

/// <summary>Reads the JSON of a request that is small enough to be held.</summary>
internal static class RequestBody
{
    /// <summary>The document, or what is wrong with it. The caller disposes of it.</summary>
    public static async Task<(JsonDocument? Document, FailureResponse? Refusal)> Read(HttpRequest request, CancellationToken cancellationToken)
    {
        if (!request.HasJsonContentType()) return (null, FailureResponses.WrongContentType("application/json"));
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        var document = StrictJson.Parse(body.GetBuffer().AsMemory(0, (int)body.Length), out var error);
        return document is null ? (null, FailureResponses.BadRequest([new("", $"The body {error}")])) : (document, null);
    }
}
