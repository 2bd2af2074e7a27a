using Microsoft.OpenApi;

namespace Emu3.Gateway.Reference;

/// <summary>Completes what operations answer once all of them are known: their errors, the headers of every answer, and HEAD where GET is.</summary>
internal static class DocumentResponses
{
    private const string Json = "application/json";

    /// <summary>Completes the document.</summary>
    /// <param name="document">All routes are in it.</param>
    /// <param name="metadataOf">What the route of an operation was mapped with.</param>
    /// <param name="error">The schema of errors.</param>
    public static void Complete(OpenApiDocument document, Func<OpenApiOperation, IReadOnlyCollection<object>> metadataOf, IOpenApiSchema error)
    {
        foreach (var (name, header) in Headers) document.AddComponent<IOpenApiHeader>(name, header);
        foreach (var status in ErrorStatus.All) document.AddComponent<IOpenApiResponse>(status.Name, Of(status, error, document));
        foreach (var (address, item) in document.Paths)
        {
            if (item is not OpenApiPathItem path) continue;
            foreach (var (method, operation) in path.Operations ?? []) Complete(operation, OperationTraits.Of(method, operation, metadataOf(operation)), document);
            if (path.Operations?.TryGetValue(HttpMethod.Get, out var get) == true) path.Operations[HttpMethod.Head] = HeadOf(get);
            foreach (var (method, operation) in path.Operations ?? []) operation.OperationId ??= NameOf(method, address);
        }
    }

    /// <summary>What generators of clients call the operation: <c>getJobsIdEvents</c>.</summary>
    private static string NameOf(HttpMethod method, string address) => string.Concat(
        address.Split('/', '_', '{', '}').Where(word => word.Length > 0 && word != "v1").Select(word => char.ToUpperInvariant(word[0]) + word[1..]).Prepend(method.Method.ToLowerInvariant()));

    private static Dictionary<string, OpenApiHeader> Headers => new()
    {
        ["x-request-id"] = new() { Description = "The request's name in the log.", Required = true, Schema = new OpenApiSchema { Type = JsonSchemaType.String } },
        ["Retry-After"] = new() { Description = "Seconds after which the same request may do better.", Required = true, Schema = new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1" } },
        ["WWW-Authenticate"] = new() { Description = "What is asked for.", Required = true, Schema = new OpenApiSchema { Type = JsonSchemaType.String } },
        ["ETag"] = new() { Description = "Of the file as it is.", Schema = new OpenApiSchema { Type = JsonSchemaType.String } },
        ["Content-Range"] = new() { Description = "Which part of the file it is.", Required = true, Schema = new OpenApiSchema { Type = JsonSchemaType.String } },
        ["x-ratelimit-limit-requests"] = new() { Description = "Pictures an hour, where the key has such a quota.", Schema = new OpenApiSchema { Type = JsonSchemaType.Integer } },
        ["x-ratelimit-remaining-requests"] = new() { Description = "How many of them are left.", Schema = new OpenApiSchema { Type = JsonSchemaType.Integer } },
        ["x-ratelimit-reset-requests"] = new() { Description = "When all of them are there again, as \"6m0s\".", Schema = new OpenApiSchema { Type = JsonSchemaType.String } },
    };

    private static OpenApiResponse Of(ErrorStatus status, IOpenApiSchema error, OpenApiDocument document)
    {
        var response = new OpenApiResponse { Description = status.Text, Content = new Dictionary<string, OpenApiMediaType> { [Json] = new() { Schema = error } } };
        Carry(response, "x-request-id", document);
        if (status.Passes) Carry(response, "Retry-After", document);
        if (status.Status == StatusCodes.Status401Unauthorized) Carry(response, "WWW-Authenticate", document);
        return response;
    }

    private static void Complete(OpenApiOperation operation, OperationTraits traits, OpenApiDocument document)
    {
        operation.Responses ??= [];
        // Every status is told by its own number: "default" would say yes to any.
        operation.Responses.Remove("default");
        foreach (var (status, response) in operation.Responses.Select(known => (known.Key, (OpenApiResponse)known.Value)))
        {
            Carry(response, "x-request-id", document);
            if (status == "206") Carry(response, "Content-Range", document);
            if (traits.GivesRanges) Carry(response, "ETag", document);
            if (!traits.MakesOutputs) continue;
            foreach (var header in Headers.Keys.Where(name => name.StartsWith("x-ratelimit-", StringComparison.Ordinal))) Carry(response, header, document);
        }

        if (traits.GivesRanges)
        {
            var unchanged = new OpenApiResponse { Description = "The file is as `If-None-Match` or `If-Modified-Since` knows it." };
            Carry(unchanged, "x-request-id", document);
            operation.Responses.TryAdd("304", unchanged);
        }

        foreach (var status in ErrorStatus.All.Where(status => status.Holds(traits)))
            operation.Responses.TryAdd($"{status.Status}", new OpenApiResponseReference(status.Name, document));
    }

    /// <summary>As GET, with nothing behind the headers. The page leaves it out, since it says nothing new.</summary>
    private static OpenApiOperation HeadOf(OpenApiOperation get)
    {
        var head = new OpenApiOperation
        {
            Tags = get.Tags,
            Summary = $"{get.Summary}: the headers alone",
            Parameters = get.Parameters,
            Security = get.Security,
            Responses = [],
            Extensions = new Dictionary<string, IOpenApiExtension> { ["x-scalar-ignore"] = new JsonNodeExtension(true) },
        };
        foreach (var (status, response) in get.Responses!) head.Responses[status] = new OpenApiResponse { Description = response.Description, Headers = response.Headers };
        return head;
    }

    private static void Carry(OpenApiResponse response, string header, OpenApiDocument document) =>
        (response.Headers ??= new Dictionary<string, IOpenApiHeader>())[header] = new OpenApiHeaderReference(header, document);
}
