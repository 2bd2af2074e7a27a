namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// The bodies of OpenAI's <c>/v1/images/generations</c> and <c>/v1/chat/completions</c>, alone or in a batch line. Fields that change nothing that
/// we make are ignored; fields that would change the answer and that we can't honour are refused by name, so that nobody gets other than asked.
/// </summary>
public static class OpenAiBodies
{
    /// <summary>
    /// Reads all of an image body; where the picture is answered in place, all but <c>stream</c>, <c>partial_images</c> and <c>response_format</c>, which the
    /// caller has read. Elsewhere the picture goes into a file of a job.
    /// </summary>
    public static ItemRequest ReadImage(FieldReader fields, bool isAnsweredInPlace)
    {
        var request = ItemRequestReader.DrawingFields(fields, ItemRequestReader.SamplingFields(fields, new()
        {
            Model = fields.Text("model", 256),
            Prompt = ItemRequestReader.Prompt(fields),
        }));
        if (!isAnsweredInPlace)
        {
            fields.Unsupported("response_format", "\"b64_json\"", "\"url\"");
            fields.Unsupported("stream", "false");
            fields.Unsupported("partial_images", "0");
        }

        fields.Unsupported("background", "\"auto\"", "\"opaque\"");
        fields.Unsupported("frame_count", "1");
        fields.Unsupported("frame_duration_ms");
        fields.Unsupported("svg");
        fields.Unsupported("extra_params", "{}");
        fields.Ignore("quality", "style", "moderation", "complexity", "safety_identifier", "user");
        fields.Close();
        return request;
    }

    /// <summary>Reads all of a chat body but <c>stream</c> and <c>stream_options</c>, which its caller has read or refuses here.</summary>
    public static ItemRequest ReadChat(FieldReader fields, List<ItemError> errors, bool mayStream = false)
    {
        var model = fields.Text("model", 256);
        var messages = fields.Raw("messages");
        var maxCompletionTokens = ItemRequestReader.MaxNewTokens(fields, "max_completion_tokens");
        if (fields.IsObject && messages is null) fields.Error("messages", "is missing.");
        var request = ItemRequestReader.SamplingFields(fields, new()
        {
            Model = model,
            Turns = messages is { } given ? MessageReader.Read(given, fields.PathOf("messages"), errors) : null,
            MaxNewTokensField = maxCompletionTokens is null ? "max_tokens" : "max_completion_tokens",
            MaxNewTokens = maxCompletionTokens ?? ItemRequestReader.MaxNewTokens(fields, "max_tokens"),
            Stop = ItemRequestReader.Stop(fields),
        });
        fields.Ignore("max_tokens");
        if (!mayStream)
        {
            fields.Unsupported("stream", "false");
            fields.Ignore("stream_options");
        }
        NeutralFields.ReadChat(fields);
        fields.Close();
        return request;
    }
}
