using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Emu3.Gateway.Access;
using Emu3.Gateway.Contracts;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace Emu3.Gateway.Reference;

/// <summary>The OpenAPI document, made of the routes that are mapped and of what stands beside them, once and for everyone.</summary>
internal sealed class ApiDocument(IServiceProvider services)
{
    /// <summary>Where it is.</summary>
    public const string Path = "/openapi/v1.json";
    private const string Name = "v1";
    private const string Scheme = "bearer";
    private const string Error = "Error";

    /// <summary>Where an operation keeps what its route was mapped with until the document is complete.</summary>
    private const string Route = "emu3-route";

    private const string About = """
        An OpenAI-compatible gateway to a cluster that runs Emu3: text to pictures, and pictures and text to text. OpenAI's official clients work as they are.

        * A field that nobody knows, and one that can't be honoured, is refused by name; a field that is null counts as absent.
        * Every error has OpenAI's shape, and every answer an `x-request-id`. What is worth another try is 429 or 503, with `Retry-After`.
        * Times are Unix seconds, seeds decimal strings. 8.0 is the same number as 8.
        * A stream (`text/event-stream`) or a file of lines (`application/jsonl`, `application/x-ndjson`) is described by the schema of one event or line. Of an event, `data` is the JSON that its line `data:` holds.
        * HEAD is answered wherever GET is.
        """;

    private readonly Lazy<Task<(byte[] Content, EntityTagHeaderValue Tag)>> _written = new(() => Write(services));

    /// <summary>The document and its tag; made when it is first asked for.</summary>
    public Task<(byte[] Content, EntityTagHeaderValue Tag)> Written => _written.Value;

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<ApiDocument>();
        // Schemas are made as answers are written (GatewayJson).
        services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            options.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
            options.SerializerOptions.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower));
        });
        services.AddOpenApi(Name, options =>
        {
            options.AddSchemaTransformer(AnswerSchemas.Complete);
            options.AddOperationTransformer(Complete);
            options.AddDocumentTransformer(Introduce);
        });
    }

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet(Path, async (HttpResponse response, ApiDocument document) =>
    {
        var (content, tag) = await document.Written;
        response.Headers.CacheControl = "no-cache";
        return Results.Bytes(content, "application/json", entityTag: tag);
    }).WithMetadata(OpenRoute.Metadata).ExcludeFromDescription();

    private static async Task<(byte[], EntityTagHeaderValue)> Write(IServiceProvider services)
    {
        var document = await services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name).GetOpenApiDocumentAsync(CancellationToken.None);
        var content = Encoding.UTF8.GetBytes(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1));
        return (content, new($"\"{Convert.ToHexStringLower(SHA256.HashData(content))[..16]}\""));
    }

    private static Task Introduce(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new() { Title = "Emu3", Version = typeof(ApiDocument).Assembly.GetName().Version?.ToString(3), Description = About, License = new() { Name = "MIT", Identifier = "MIT" } };
        document.Servers = [new() { Url = "/" }];
        document.Tags = ApiGroups.All.Select(group => new OpenApiTag { Name = group.Name, Description = group.Text }).ToHashSet();
        document.AddComponent<IOpenApiSecurityScheme>(Scheme, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = Scheme,
            Description = "An API key: `Authorization: Bearer KEY`. On a loopback address none is asked for unless that is configured.",
        });
        document.Security = [new() { [new OpenApiSecuritySchemeReference(Scheme, document)] = [] }];
        AnswerSchemas.Clean(document);
        DocumentResponses.Complete(document, operation => [.. (IEnumerable<object>)operation.Metadata![Route]], new OpenApiSchemaReference(Error, document));
        return Task.CompletedTask;
    }

    /// <summary>What follows from a route alone: who may call, what the address holds.</summary>
    private static async Task Complete(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        await AnswerSchemas.PointTo(typeof(ErrorAnswer), Error, context, cancellationToken);
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        (operation.Metadata ??= new Dictionary<string, object>())[Route] = metadata;
        if (metadata.OfType<OpenRoute>().Any()) operation.Security = [];
        if (metadata.OfType<AdminRoute>().Any()) operation.Description = $"{operation.Description}\n\nFor keys with the role admin.".TrimStart();
        foreach (var parameter in (operation.Parameters ?? []).OfType<OpenApiParameter>().Where(parameter => parameter.In == ParameterLocation.Path))
            parameter.Description ??= PathText(parameter.Name!, context.Description.RelativePath!);
    }

    private static string PathText(string name, string path) => name switch
    {
        "item" => "Place of the item in its job, from 0.",
        "model" => "A name from the list, with or without an owner in front.",
        "host" or "device" => "As the list of workers tells it.",
        _ when path.Contains("/files/", StringComparison.Ordinal) => "The id of a file.",
        _ when path.Contains("/batches/", StringComparison.Ordinal) => "The id of a batch.",
        _ when path.Contains("/keys/", StringComparison.Ordinal) => "The id of a key.",
        _ => "The id of a job.",
    };
}
