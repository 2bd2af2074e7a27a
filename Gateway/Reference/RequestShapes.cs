using Emu3.Gateway.Access;
using Emu3.Gateway.Batches;
using Emu3.Gateway.Endpoints;
using Emu3.Grains.Interfaces.Requests;
using Microsoft.OpenApi;

namespace Emu3.Gateway.Reference;

/// <summary>Every JSON that the gateway takes.</summary>
internal static class RequestShapes
{
    private static readonly string[] s_conversations =
    [
        """{"messages":[{"role":"user","content":[{"type":"text"},{"type":"image_url","image_url":{}}]},{}]}""",
        """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"x"}]}]}""",
        """{"messages":[{"role":"user","content":"x"}]}""",
    ];

    private static readonly string[] s_inputs =
    [
        """{"input":[{"type":"message","content":[{"type":"input_text"},{"type":"input_image"}]},{}],"text":{},"reasoning":{},"metadata":{"key":"value"}}""",
        """{"input":[{"role":"user","content":"x"}]}""",
        """{"input":"x"}""",
        "{}",
    ];

    private const string JobProbe = """{"defaults":{},"metadata":{"key":"value"},"webhook":{}}""";

    public static RequestShape Image { get; } = RequestShape.Learn("ImageRequest", (body, errors) => Images.Read(body, errors),
        """{"prompt":"a big red star on a blue background","seed":7}""",
        ["{}"], (schema, _) => ((OpenApiSchema)schema.Properties!["n"]).Maximum = $"{Images.MaxSamples}");

    public static RequestShape Chat { get; } = RequestShape.Learn("ChatRequest", (body, errors) => Endpoints.Chat.Read(body, errors),
        """{"messages":[{"role":"user","content":[{"type":"text","text":"What shape is it?"},{"type":"image_url","image_url":{"url":"file-0123456789abcdef0123456789abcdef"}}]}]}""",
        [.. s_conversations, """{"stream":true,"stream_options":{}}"""]);

    /// <summary>What asks for a picture in a line of a batch.</summary>
    public static RequestShape BatchImage { get; } = RequestShape.Learn(
        "BatchImageBody", (body, errors) => OpenAiBodies.ReadImage(new(body, "", errors), isAnsweredInPlace: false), """{"prompt":"a big red star on a blue background"}""", ["{}"]);

    /// <summary>What asks a question in a line of a batch.</summary>
    public static RequestShape BatchChat { get; } = RequestShape.Learn(
        "BatchChatBody", (body, errors) => OpenAiBodies.ReadChat(new(body, "", errors), errors), """{"messages":[{"role":"user","content":"What is red?"}]}""", [.. s_conversations, "{}"]);

    public static RequestShape Response { get; } = RequestShape.Learn("ResponseRequest", (body, errors) => Endpoints.Responses.Read(body, errors),
        """{"input":[{"role":"user","content":[{"type":"input_text","text":"What shape is it?"},{"type":"input_image","image_url":"file-0123456789abcdef0123456789abcdef"}]}]}""",
        [.. s_inputs, """{"stream":true,"stream_options":{}}"""]);

    /// <summary>What asks for a response in a line of a batch.</summary>
    public static RequestShape BatchResponse { get; } = RequestShape.Learn("BatchResponseBody", (body, errors) => ResponseRequest.Read(new(body, "", errors), errors),
        """{"input":"What is red?"}""", s_inputs);

    /// <summary>One line of a batch's file.</summary>
    public static RequestShape BatchLine { get; } = RequestShape.Learn("BatchLine", (body, errors) => ItemRequestReader.ReadItem(body, errors),
        """{"custom_id":"star","method":"POST","url":"/v1/images/generations","body":{"prompt":"a big red star on a blue background"}}""",
        ["""{"custom_id":"x"}""", """{"body":1}"""],
        (schema, document) => schema.OneOf = [Line(document, BatchRequest.Images, BatchImage), Line(document, BatchRequest.Chat, BatchChat), Line(document, BatchRequest.Responses, BatchResponse)]);

    /// <summary>A picture to draw, as a line of a job.</summary>
    public static RequestShape PictureItem { get; } = RequestShape.Learn("PictureItem", (body, errors) => ItemRequestReader.ReadItem(body, errors),
        """{"id":"star","prompt":"a big red star on a blue background","n":2}""",
        ["{}"]);

    /// <summary>A question, as a line of a job.</summary>
    public static RequestShape QuestionItem { get; } = RequestShape.Learn("QuestionItem", (body, errors) => ItemRequestReader.ReadItem(body, errors),
        """{"id":"shape","image":"file-0123456789abcdef0123456789abcdef","question":"What shape is it?"}""",
        [.. s_conversations, """{"question":"x"}"""],
        // What a line is, its fields say: without any of these it would be something else.
        (schema, _) => schema.AnyOf = [.. ((string[])["image", "question", "messages"]).Select(field => new OpenApiSchema
        {
            Required = new HashSet<string> { field },
            Properties = new Dictionary<string, IOpenApiSchema> { [field] = new OpenApiSchema { Not = new OpenApiSchema { Type = JsonSchemaType.Null } } },
        })]);

    public static RequestShape Job { get; } = RequestShape.Learn("JobRequest", (body, errors) => JobRequest.Read(body, errors),
        """{"seed":7,"items":[{"prompt":"a big red star on a blue background"},{"prompt":"a small green circle on a black background"}]}""",
        [JobProbe],
        (schema, document) =>
        {
            schema.Required = new HashSet<string> { "items" };
            schema.Properties!["items"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Array,
                MinItems = 1,
                Description = FieldTexts.Of("items"),
                Items = Either(document, null, PictureItem, QuestionItem, BatchLine),
            };
        });

    /// <summary>The first line of a job that comes as lines.</summary>
    public static RequestShape JobHead { get; } = RequestShape.Learn("JobHead", (body, errors) => JobRequest.Read(body, errors),
        """{"seed":7}""",
        [JobProbe], (schema, _) => schema.Properties!.Remove("items"));

    public static RequestShape Priority { get; } = RequestShape.Learn("PriorityRequest", (body, errors) => JobVerbs.ReadPriority(body, errors),
        """{"priority":"high"}""",
        ["{}"]);

    public static RequestShape Batch { get; } = RequestShape.Learn("BatchRequest", (body, errors) => BatchRequest.Read(body, errors),
        """{"input_file_id":"file-0123456789abcdef0123456789abcdef","endpoint":"/v1/images/generations","completion_window":"24h"}""",
        ["""{"output_expires_after":{},"metadata":{"key":"value"},"webhook":{}}"""]);

    public static RequestShape Key { get; } = RequestShape.Learn("KeyRequest", (body, errors) => KeyRequest.Read(body, DateTimeOffset.UnixEpoch, errors),
        """{"name":"the press office","expires_in":"30d"}""",
        ["""{"quotas":{}}"""]);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<RequestShape> All => [Image, Chat, Response, BatchImage, BatchChat, BatchResponse, BatchLine, PictureItem, QuestionItem, Job, JobHead, Priority, Batch, Key];

    /// <summary>A line of a job.</summary>
    public static OpenApiSchema JobLine(OpenApiDocument document) =>
        Either(document, "The first line is a `JobHead`, and each one after it an item.", JobHead, PictureItem, QuestionItem, BatchLine);

    /// <summary>The form of a batch's line that asks one endpoint.</summary>
    private static OpenApiSchema Line(OpenApiDocument document, string url, RequestShape body) => new()
    {
        Title = url,
        Properties = new Dictionary<string, IOpenApiSchema> { ["url"] = new OpenApiSchema { Const = url }, ["body"] = body.In(document) },
    };

    private static OpenApiSchema Either(OpenApiDocument document, string? description, params ReadOnlySpan<RequestShape> shapes)
    {
        var schema = new OpenApiSchema { AnyOf = [], Description = description };
        foreach (var shape in shapes) schema.AnyOf.Add(shape.In(document));
        return schema;
    }
}
