using System.Text.Json;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// The body of OpenAI's <c>/v1/responses</c>, alone or in a batch line: the part of it that needs no memory on the server. It becomes the same item as a
/// chat body. Fields that would change the answer and that we can't honour are refused by name.
/// </summary>
/// <param name="Item">What is to be answered.</param>
/// <param name="Instructions">As it was sent; it is the first system message of <paramref name="Item"/> as well. Null when there is none.</param>
/// <param name="Metadata">The client's own pairs, which come back with the response.</param>
public sealed record ResponseRequest(ItemRequest Item, string? Instructions, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Reads all of the body but <c>stream</c> and <c>stream_options</c>, which the caller has read where it can stream and which are refused elsewhere.</summary>
    public static ResponseRequest Read(FieldReader fields, List<ItemError> errors, bool mayStream = false)
    {
        var model = fields.Text("model", 256);
        var input = fields.Raw("input");
        if (fields.IsObject && input is null) fields.Error("input", "is missing: a text, or an array of messages.");
        var instructions = fields.Text("instructions", RequestLimits.TextLength);
        var item = ItemRequestReader.SamplingFields(fields, new()
        {
            Model = model,
            Turns = input is { } given ? WithInstructions(instructions, ReadInput(given, fields, errors)) : null,
            TurnsField = "input",
            MaxNewTokensField = "max_output_tokens",
            MaxNewTokens = ItemRequestReader.MaxNewTokens(fields, "max_output_tokens"),
            Stop = ItemRequestReader.Stop(fields),
        });
        var metadata = JobRequest.ReadMetadata(fields, errors);
        if (!mayStream)
        {
            fields.Unsupported("stream", "false");
            fields.Ignore("stream_options");
        }
        fields.Flag("store"); // nothing is stored either way, and the response says so
        RefuseWhatNeedsMemoryOrTools(fields, errors);
        fields.Ignore("user", "safety_identifier", "service_tier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "parallel_tool_calls", "max_tool_calls");
        fields.Close();
        return new(item, instructions, metadata);
    }

    private static IReadOnlyList<RequestTurn>? ReadInput(JsonElement input, FieldReader fields, List<ItemError> errors) =>
        input.ValueKind == JsonValueKind.Array ? ResponseInputReader.Read(input, fields.PathOf("input"), errors)
        : fields.Text("input", RequestLimits.TextLength) is { } text ? [new("user", [new(text, null)])]
        : null;

    /// <summary>Instructions stand before everything else, also before a system message of the input.</summary>
    private static IReadOnlyList<RequestTurn>? WithInstructions(string? instructions, IReadOnlyList<RequestTurn>? turns) =>
        instructions is null || turns is null ? turns : [new("system", [new(instructions, null)]), .. turns];

    private static void RefuseWhatNeedsMemoryOrTools(FieldReader fields, List<ItemError> errors)
    {
        foreach (var field in (ReadOnlySpan<string>)["previous_response_id", "conversation", "prompt", "moderation"]) fields.Unsupported(field);
        fields.Unsupported("background", "false");
        fields.Unsupported("include", "[]");
        fields.Unsupported("context_management", "[]");
        fields.Unsupported("tools", "[]");
        fields.Unsupported("tool_choice", "\"none\"", "\"auto\"");
        fields.Unsupported("top_logprobs", "0");
        fields.Unsupported("truncation", "\"disabled\"");
        if (Inner("text") is { } text)
        {
            text.Unsupported("format", """{"type":"text"}""");
            text.Unsupported("verbosity", "\"medium\"");
            text.Close();
        }
        if (Inner("reasoning") is { } reasoning)
        {
            reasoning.Unsupported("effort", "\"none\"");
            reasoning.Unsupported("summary");
            reasoning.Unsupported("generate_summary");
            reasoning.Close();
        }

        FieldReader? Inner(string field) => fields.Raw(field) is { } value ? new(value, fields.PathOf(field), errors) : null;
    }
}
