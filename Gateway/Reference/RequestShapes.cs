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
        """{"messages":[{"role":"user","content":"x"}]}""",
    ];

    public static RequestShape Image { get; } = RequestShape.Learn("ImageRequest", (body, errors) => Images.Read(body, errors),
        """{"prompt":"a big red star on a blue background","seed":7}""",
        ["{}"], (schema, _) => ((OpenApiSchema)schema.Properties!["n"]).Maximum = $"{Images.MostSamples}");

    public static RequestShape Chat { get; } = RequestShape.Learn("ChatRequest", (body, errors) => Endpoints.Chat.Read(body, errors),
        """{"messages":[{"role":"user","content":[{"type":"text","text":"What shape is it?"},{"type":"image_url","image_url":{"url":"file-0123456789abcdef0123456789abcdef"}}]}]}""",
        [.. s_conversations, """{"stream":true,"stream_options":{}}"""]);

    public static RequestShape Response { get; } = RequestShape.Learn("ResponseRequest", (body, errors) => Endpoints.Responses.Read(body, errors),
        """{"input":[{"role":"user","content":[{"type":"input_text","text":"What shape is it?"},{"type":"input_image","image_url":"file-0123456789abcdef0123456789abcdef"}]}]}""",
        [
            """{"input":[{"type":"message","content":[{"type":"input_text"},{"type":"input_image"}]},{}],"text":{},"reasoning":{},"stream_options":{},"metadata":{"key":"value"}}""",
            """{"input":[{"role":"user","content":"x"}]}""",
            """{"input":"x"}""",
            "{}",
        ]);

    /// <summary>One line of a batch's file.</summary>
    public static RequestShape BatchLine { get; } = RequestShape.Learn("BatchLine", (body, errors) => ItemRequestReader.ReadItem(body, errors),
        """{"custom_id":"star","method":"POST","url":"/v1/images/generations","body":{"prompt":"a big red star on a blue background"}}""",
        ["""{"custom_id":"x"}""", """{"body":1}"""],
        (schema, document) => schema.Properties!["body"] = Either(document, FieldTexts.Of("body"), Image, Chat, Response));

    /// <summary>A picture to draw, as a line of a job.</summary>
    public static RequestShape PictureItem { get; } = RequestShape.Learn("PictureItem", (body, errors) => ItemRequestReader.ReadItem(body, errors),
        """{"id":"star","prompt":"a big red star on a blue background","n":2}""",
        ["{}"]);

    /// <summary>A question, as a line of a job.</summary>
    public static RequestShape QuestionItem { get; } = RequestShape.Learn("QuestionItem", (body, errors) => ItemRequestReader.ReadItem(body, errors),
        """{"id":"shape","image":"file-0123456789abcdef0123456789abcdef","question":"What shape is it?"}""",
        [.. s_conversations, """{"question":"x"}"""]);

    public static RequestShape Job { get; } = RequestShape.Learn("JobRequest", (body, errors) => JobRequest.Read(body, errors),
        """{"seed":7,"items":[{"prompt":"a big red star on a blue background"},{"prompt":"a small green circle on a black background"}]}""",
        ["""{"defaults":{},"metadata":{"key":"value"}}"""],
        (schema, document) => schema.Properties!["items"] = new OpenApiSchema
        {
            Type = JsonSchemaType.Array,
            Description = FieldTexts.Of("items"),
            Items = Either(document, null, PictureItem, QuestionItem, BatchLine),
        });

    public static RequestShape Priority { get; } = RequestShape.Learn("PriorityRequest", (body, errors) => JobVerbs.ReadPriority(body, errors),
        """{"priority":"high"}""",
        ["{}"]);

    public static RequestShape Batch { get; } = RequestShape.Learn("BatchRequest", (body, errors) => BatchRequest.Read(body, errors),
        """{"input_file_id":"file-0123456789abcdef0123456789abcdef","endpoint":"/v1/images/generations","completion_window":"24h"}""",
        ["""{"output_expires_after":{},"metadata":{"key":"value"}}"""]);

    public static RequestShape Key { get; } = RequestShape.Learn("KeyRequest", (body, errors) => KeyRequest.Read(body, DateTimeOffset.UnixEpoch, errors),
        """{"name":"the press office","expires_in":"30d"}""",
        ["""{"quotas":{}}"""]);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<RequestShape> All => [Image, Chat, Response, BatchLine, PictureItem, QuestionItem, Job, Priority, Batch, Key];

    private static OpenApiSchema Either(OpenApiDocument document, string? description, params ReadOnlySpan<RequestShape> shapes)
    {
        var schema = new OpenApiSchema { AnyOf = [], Description = description };
        foreach (var shape in shapes) schema.AnyOf.Add(shape.In(document));
        return schema;
    }
}
