using System.Text.Json;

namespace Emu3.Benchmarks.Description;

/// <summary>Holds answers of a gateway to its document: status, headers, content type, and JSON. Each departure names the operation, the place and the value.</summary>
internal sealed class AnswerRules(ApiDescription api)
{
    public const string Json = "application/json";
    public const string Events = "text/event-stream";
    private const string JsonLines = "application/jsonl";

    /// <summary>What the gateway itself answers where no operation is.</summary>
    private static readonly int[] s_ofNobody = [400, 401, 403, 404, 405, 408, 413, 421, 500, 503];

    public ApiDescription Api => api;

    /// <summary>Whether a path belongs to the API, and not to a page for people.</summary>
    public static bool Covers(string path) => path.StartsWith("/v1/", StringComparison.Ordinal) || path == "/v1" || path.StartsWith("/health", StringComparison.Ordinal);

    /// <summary>What status, headers and content type depart from; the schema of the body, when it has one.</summary>
    public AnswerHead CheckHead(string method, string path, int status, string? contentType, Func<string, bool> hasHeader)
    {
        var operation = api.Find(method, path);
        var name = operation?.Name ?? $"{method} {path}";
        var type = contentType?.Split(';')[0].Trim().ToLowerInvariant();
        ApiResponse? told;
        if (operation is null)
        {
            if (!s_ofNobody.Contains(status) || (status == 405 && !api.Has(path))) return new(name, [$"{name}: no such operation is in the document, and the status is {status}"], type, null);
            told = api.Operations[0].Responses[500];
        }
        else if (!operation.Responses.TryGetValue(status, out told)) return new(name, [$"{name}: status {status} is not declared"], type, null);

        var departures = told.RequiredHeaders.Where(header => !hasHeader(header) && operation is not null).Select(header => $"{name}: status {status} has no {header}").ToList();
        if (method == "HEAD") return new(name, departures, null, null);
        if (told.Contents.Count == 0)
        {
            if (type is not null) departures.Add($"{name}: status {status} has no content in the document, and it is {type}");
            return new(name, departures, null, null);
        }
        if (type is not null && told.Contents.TryGetValue(type, out var schema)) return new(name, departures, type, schema);
        departures.Add($"{name}: status {status} is {type ?? "without content"}, and the document has {string.Join(", ", told.Contents.Keys)}");
        return new(name, departures, type, null);
    }

    /// <summary>What a whole body departs from.</summary>
    public IEnumerable<string> CheckBody(AnswerHead head, ReadOnlyMemory<byte> body)
    {
        if (head.Schema is null || head.ContentType != Json) return [];
        try
        {
            using var document = JsonDocument.Parse(body);
            return api.Schemas.Errors(head.Schema, document.RootElement).Select(error => $"{head.Operation}: {error}");
        }
        catch (JsonException broken)
        {
            return [$"{head.Operation}: the body is no JSON: {broken.Message}"];
        }
    }

    /// <summary>A check of a body that comes bit by bit, or null where there is nothing to check.</summary>
    public StreamRules? Stream(AnswerHead head) => head switch
    {
        { Schema: { } schema, ContentType: Events } => new(head.Operation, schema, api.Schemas, isEvents: true),
        { Schema: { } schema, ContentType: JsonLines } => new(head.Operation, schema, api.Schemas, isEvents: false),
        _ => null,
    };
}

/// <summary>What an answer shows before its body.</summary>
/// <param name="Operation">Its name.</param>
/// <param name="Departures">What is not as the document says.</param>
/// <param name="ContentType">Without parameters.</param>
/// <param name="Schema">Of the body, or of each part of a stream; null: nothing to check.</param>
internal sealed record AnswerHead(string Operation, IReadOnlyList<string> Departures, string? ContentType, System.Text.Json.Nodes.JsonNode? Schema);
