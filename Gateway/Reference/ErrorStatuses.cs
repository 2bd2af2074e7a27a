using Microsoft.OpenApi;

namespace Emu3.Gateway.Reference;

/// <summary>
/// The statuses that an operation can answer with beside its own, by what kind of operation it is: one table for all routes, so that a new route has them
/// by itself. <see cref="FailureResponses"/> makes the answers.
/// </summary>
/// <param name="Status">The status.</param>
/// <param name="Name">Of the shared response in the document.</param>
/// <param name="Text">When it comes.</param>
/// <param name="Holds">Whether an operation can give it.</param>
internal sealed record ErrorStatus(int Status, string Name, string Text, Func<OperationTraits, bool> Holds)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ErrorStatus> All { get; } =
    [
        new(400, "BadRequest", "Something in the request is wrong, or can't be done as things stand. `param` names the field.", o => o.HasInput || o.Changes),
        new(401, "Unauthorized", "Keys are asked for, and the request shows none that is valid.", o => !o.IsOpen),
        new(403, "Forbidden", "Not for this key, not for this site, or by an address that is not valid any more.", o => o.IsAdmin || o.Changes || o.IsSigned || o.NamesTenant),
        new(404, "NotFound", "What the address, or the request's model, names is not there.", o => o.HasPathFields || o.MakesOutputs),
        new(408, "RequestTimeout", "The body stopped coming.", o => o.HasBody),
        new(410, "Gone", "The file was released.", o => o.GivesFile && o.HasPathFields),
        new(412, "PreconditionFailed", "The file is not as `If-Match` or `If-Unmodified-Since` asks.", o => o.GivesRanges),
        new(413, "ContentTooLarge", "The body is larger than this operation takes.", o => o.HasBody),
        new(415, "UnsupportedMediaType", "The body is of another type than this operation takes.", o => o.HasBody),
        new(416, "RangeNotSatisfiable", "The file has nothing of the request's `Range`.", o => o.GivesRanges),
        new(421, "MisdirectedRequest", "Without keys, the gateway was called by a name that is not this machine's.", _ => true),
        new(422, "UnprocessableContent", "The `Idempotency-Key` stands for another request, or the item made the engine fail again and again.", o => o.HearsIdempotencyKey || o.MakesOutputs),
        new(429, "TooManyRequests", "As much waits, or as many streams are open, as may for this key.", o => o.MakesOutputs || o.GivesEvents),
        new(500, "InternalError", "A fault of the gateway or the engine.", _ => true),
        new(503, "Unavailable", "The cluster, or a worker with the model, is not there for the moment.", _ => true),
    ];

    /// <summary>Whether the same request may do better after a while, which <c>Retry-After</c> tells.</summary>
    public bool Passes => Status is 429 or 503;
}

/// <summary>What kind of operation it is, as far as its errors go.</summary>
internal sealed record OperationTraits
{
    /// <summary>Asks for no key.</summary>
    public required bool IsOpen { get; init; }
    public required bool IsAdmin { get; init; }

    /// <summary>Not GET or HEAD.</summary>
    public required bool Changes { get; init; }

    /// <summary>Is read by an address that carries a signature.</summary>
    public required bool IsSigned { get; init; }

    /// <summary>May name a tenant that is not the caller's.</summary>
    public required bool NamesTenant { get; init; }
    public required bool HasPathFields { get; init; }
    public required bool HasBody { get; init; }

    /// <summary>Path, query, header or body hold something that can be wrong.</summary>
    public required bool HasInput { get; init; }
    public required bool HearsIdempotencyKey { get; init; }

    /// <summary>Makes pictures or answers: its body may name a model.</summary>
    public required bool MakesOutputs { get; init; }
    public required bool GivesEvents { get; init; }
    public required bool GivesFile { get; init; }

    /// <summary>The file can be asked for in parts and under conditions.</summary>
    public required bool GivesRanges { get; init; }

    /// <summary>Reads them off an operation that is complete but for its errors.</summary>
    public static OperationTraits Of(HttpMethod method, OpenApiOperation operation, IReadOnlyCollection<object> metadata)
    {
        var fields = operation.Parameters ?? [];
        var contents = (operation.Responses ?? []).Values.SelectMany(response => response.Content ?? new Dictionary<string, OpenApiMediaType>()).ToList();
        var bodies = operation.RequestBody?.Content?.Values.Select(content => content.Schema) ?? [];
        return new()
        {
            IsOpen = metadata.OfType<Access.OpenRoute>().Any(),
            IsAdmin = metadata.OfType<Access.AdminRoute>().Any(),
            Changes = method != HttpMethod.Get && method != HttpMethod.Head,
            IsSigned = fields.Any(field => field.In == ParameterLocation.Query && field.Name == "signature"),
            NamesTenant = fields.Any(field => field.In == ParameterLocation.Query && field.Name == "tenant"),
            HasPathFields = fields.Any(field => field.In == ParameterLocation.Path),
            HasBody = operation.RequestBody is not null,
            HasInput = operation.RequestBody is not null || fields.Count > 0,
            HearsIdempotencyKey = fields.Any(field => field.In == ParameterLocation.Header && field.Name == "Idempotency-Key"),
            MakesOutputs = bodies.Any(schema => schema?.Properties?.ContainsKey("model") == true),
            GivesEvents = contents.Any(content => content.Key == RouteText.Events),
            GivesFile = contents.Any(content => content.Value.Schema?.Format == RouteText.Bytes),
            GivesRanges = operation.Responses?.ContainsKey("206") == true,
        };
    }
}
