using Emu3.Gateway.Contracts;
using Emu3.Grains.Interfaces;
using Microsoft.OpenApi;

namespace Emu3.Gateway.Reference;

/// <summary>What the API reference says of a route, beside where it is mapped.</summary>
internal static class RouteText
{
    /// <summary>The type of streams.</summary>
    public const string Events = "text/event-stream";

    /// <summary>The format of bytes that are no text.</summary>
    public const string Bytes = "binary";
    private const string Json = "application/json";

    /// <summary>What the route is for. A test finds routes that say nothing.</summary>
    /// <param name="route">The route.</param>
    /// <param name="group">The heading that it stands under: one of <see cref="ApiGroups"/>.</param>
    /// <param name="summary">In a few words.</param>
    /// <param name="more">What else a caller should know, in Markdown.</param>
    public static RouteHandlerBuilder Tell(this RouteHandlerBuilder route, string group, string summary, string? more = null)
    {
        route.WithTags(group).WithSummary(summary);
        return more is null ? route : route.WithDescription(more);
    }

    /// <summary>A field of the query.</summary>
    public static RouteHandlerBuilder Asks(this RouteHandlerBuilder route, string field, string text, params string[] words) =>
        route.WithParameter(new()
        {
            Name = field,
            In = ParameterLocation.Query,
            Description = text,
            Schema = new OpenApiSchema { Type = JsonSchemaType.String, Enum = words.Length == 0 ? null : [.. words] },
        });

    /// <summary>A day in the query.</summary>
    public static RouteHandlerBuilder AsksDay(this RouteHandlerBuilder route, string field, string text) => route.WithParameter(new()
    {
        Name = field,
        In = ParameterLocation.Query,
        Description = text,
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "date" },
    });

    /// <summary>The number of elements on a page.</summary>
    public static RouteHandlerBuilder AsksLimit(this RouteHandlerBuilder route, int usual, int most) => route.WithParameter(new()
    {
        Name = "limit",
        In = ParameterLocation.Query,
        Description = $"Elements at most; {usual} where nothing is said.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.Integer, Minimum = "1", Maximum = $"{most}" },
    });

    /// <summary>A header of the request.</summary>
    public static RouteHandlerBuilder Hears(this RouteHandlerBuilder route, string header, string text, int? longest = null) => route.WithParameter(new()
    {
        Name = header,
        In = ParameterLocation.Header,
        Description = text,
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = longest },
    });

    /// <summary>The header under which a request makes nothing a second time.</summary>
    public static RouteHandlerBuilder HearsIdempotencyKey(this RouteHandlerBuilder route) =>
        route.Hears("Idempotency-Key", "Up to 255 characters of your own. The same request under the same key makes nothing a second time; another is 422.", Endpoints.IdempotencyKey.Longest);

    /// <summary>A JSON body.</summary>
    public static RouteHandlerBuilder Takes(this RouteHandlerBuilder route, RequestShape shape) => route.WithBody(Json, shape.In);

    /// <summary>Another kind of body, or a part of one that no JSON schema tells.</summary>
    public static RouteHandlerBuilder Takes(this RouteHandlerBuilder route, string contentType, OpenApiSchema schema) => route.WithBody(contentType, _ => schema);

    /// <summary>Lines of JSON: the schema is that of one of them.</summary>
    public static RouteHandlerBuilder TakesLines(this RouteHandlerBuilder route, string contentType, Func<OpenApiDocument, IOpenApiSchema> line) => route.WithBody(contentType, line);

    /// <summary>A JSON answer.</summary>
    public static RouteHandlerBuilder Gives<T>(this RouteHandlerBuilder route, int status = StatusCodes.Status200OK) => route.Produces<T>(status, Json);

    /// <summary>No content.</summary>
    public static RouteHandlerBuilder GivesNothing(this RouteHandlerBuilder route) => route.Produces(StatusCodes.Status204NoContent);

    /// <summary>Server-sent events: each is one of these, or <c>error</c>, which any stream can end with.</summary>
    /// <param name="route">The route.</param>
    /// <param name="text">In which order they come.</param>
    /// <param name="events">What there is.</param>
    public static RouteHandlerBuilder GivesEvents(this RouteHandlerBuilder route, string text, params IReadOnlyList<EventShape> events) =>
        route.AddOpenApiOperationTransformer(async (operation, context, cancellationToken) =>
        {
            var schema = new OpenApiSchema { Description = text, AnyOf = [] };
            foreach (var shape in events.Append(EventShape.Error)) schema.AnyOf.Add(await shape.Describe(context, cancellationToken));
            Add(operation, "200", Events, schema);
        });

    /// <summary>Lines of JSON, each of this type.</summary>
    public static RouteHandlerBuilder GivesLines<T>(this RouteHandlerBuilder route, string contentType, string text) =>
        route.AddOpenApiOperationTransformer(async (operation, context, cancellationToken) =>
        {
            var line = await AnswerSchemas.PointTo(typeof(T), typeof(T).Name, context, cancellationToken);
            line.Description = text;
            Add(operation, "200", contentType, line);
        });

    /// <summary>Bytes that are always read as a whole.</summary>
    public static RouteHandlerBuilder GivesFile(this RouteHandlerBuilder route, string contentType, string text) =>
        route.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            Add(operation, "200", contentType, File(contentType, text));
            return Task.CompletedTask;
        });

    /// <summary>Bytes that may also be asked for in ranges and under conditions.</summary>
    public static RouteHandlerBuilder GivesFileInRanges(this RouteHandlerBuilder route, string text, params IReadOnlyList<string> contentTypes) =>
        route.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            foreach (var contentType in contentTypes)
            {
                Add(operation, "200", contentType, File(contentType, text));
                Add(operation, "206", contentType, File(contentType, "The part that `Range` asks for."));
            }

            return Task.CompletedTask;
        });

    /// <summary>Types of the pictures that are made.</summary>
    public static IReadOnlyList<string> Pictures { get; } = [.. Enum.GetValues<PictureFormat>().Select(format => $"image/{OutcomeAnswer.FormatOf(format)}")];

    private static OpenApiSchema File(string contentType, string text) =>
        new() { Type = JsonSchemaType.String, Format = contentType.StartsWith("text/", StringComparison.Ordinal) ? null : Bytes, Description = text };

    private static RouteHandlerBuilder WithParameter(this RouteHandlerBuilder route, OpenApiParameter parameter) =>
        route.AddOpenApiOperationTransformer((operation, _, _) =>
        {
            (operation.Parameters ??= []).Add(parameter);
            return Task.CompletedTask;
        });

    private static RouteHandlerBuilder WithBody(this RouteHandlerBuilder route, string contentType, Func<OpenApiDocument, IOpenApiSchema> schema) =>
        route.AddOpenApiOperationTransformer((operation, context, _) =>
        {
            var body = operation.RequestBody as OpenApiRequestBody ?? new() { Required = true, Content = new Dictionary<string, OpenApiMediaType>() };
            body.Content![contentType] = new() { Schema = schema(context.Document!) };
            operation.RequestBody = body;
            return Task.CompletedTask;
        });

    private static void Add(OpenApiOperation operation, string status, string contentType, IOpenApiSchema schema)
    {
        operation.Responses ??= [];
        if (!operation.Responses.TryGetValue(status, out var known) || known is not OpenApiResponse { Content: not null } response)
            operation.Responses[status] = response = new() { Description = status == "206" ? "Partial Content" : "OK", Content = new Dictionary<string, OpenApiMediaType>() };
        response.Content![contentType] = new() { Schema = schema };
    }
}

/// <summary>Headings of the reference, in its order.</summary>
internal static class ApiGroups
{
    public const string Images = "Images";
    public const string Chat = "Chat";
    public const string Models = "Models";
    public const string Files = "Files";
    public const string Batches = "Batches";
    public const string Jobs = "Jobs";
    public const string Webhooks = "Webhooks";
    public const string Usage = "Usage";
    public const string Keys = "Keys";
    public const string Workers = "Workers";
    public const string Health = "Health";

    /// <summary>Each with what it is.</summary>
    public static IReadOnlyList<(string Name, string Text)> All { get; } =
    [
        (Images, "Pictures while one waits, as OpenAI's clients ask for them. More than a few belong into a job or a batch."),
        (Chat, "Questions about pictures and text, as OpenAI's clients ask them."),
        (Models, "What requests may name."),
        (Files, "Uploads, and what batches give."),
        (Batches, "OpenAI's batches. Each is a job, and `job_id` names it."),
        (Jobs, "Many items at once: durable, with progress, verbs and results before the end."),
        (Webhooks, "Notices of the ends of jobs and batches, signed as Standard Webhooks has it."),
        (Usage, "What was used, by day, key and job."),
        (Keys, "API keys, for admins."),
        (Workers, "What runs the items."),
        (Health, "For probes and load balancers; open without a key."),
    ];
}
