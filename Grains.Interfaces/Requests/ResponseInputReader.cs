using System.Text.Json;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// Reads the array form of <c>input</c> of <c>/v1/responses</c>: messages of text, and pictures in user messages. Items that stand for tools, for reasoning or
/// for something that was stored are refused. Roles may follow one another in any order, as in chat.
/// </summary>
internal static class ResponseInputReader
{
    public static IReadOnlyList<RequestTurn>? Read(JsonElement input, string path, List<ItemError> errors)
    {
        if (input.GetArrayLength() is 0 or > RequestLimits.Messages)
        {
            errors.Add(new(path, $"has {input.GetArrayLength()} messages; 1 to {RequestLimits.Messages} are allowed."));
            return null;
        }

        var before = errors.Count;
        var turns = input.EnumerateArray().Select((item, i) => ReadMessage(item, $"{path}[{i}]", errors)).ToList();
        return errors.Count > before ? null : turns;
    }

    private static RequestTurn ReadMessage(JsonElement item, string path, List<ItemError> errors)
    {
        var fields = new FieldReader(item, path, errors);
        if (fields.Raw("type") is not null && fields.Word("type", "message") is null) return new("user", []); // of another type the other fields mean something else
        var role = fields.Word("role", "system", "developer", "user", "assistant");
        if (fields.IsObject && fields.Raw("role") is null) fields.Error("role", "is missing.");
        var content = fields.Raw("content");
        if (fields.IsObject && content is null) fields.Error("content", "is missing: a string, or an array of parts.");
        fields.Ignore("id", "status", "phase");
        fields.Close();
        var parts = content switch
        {
            null => [],
            { ValueKind: JsonValueKind.Array } array => array.EnumerateArray()
                .Select((part, i) => ReadPart(part, $"{path}.content[{i}]", role is null or "user", errors)).ToList(),
            _ => [new RequestPart(fields.Text("content", RequestLimits.TextLength) ?? "", null)],
        };
        return new(role is "developer" ? "system" : role ?? "user", parts);
    }

    private static RequestPart ReadPart(JsonElement part, string path, bool mayHavePictures, List<ItemError> errors)
    {
        var fields = new FieldReader(part, path, errors);
        var type = fields.Text("type", 64);
        if (type is "input_text" or "output_text") return ReadText(fields);
        if (type == "input_image" && mayHavePictures) return ReadPicture(fields, errors);
        fields.Error("type", mayHavePictures ? "must be \"input_text\", \"output_text\" or \"input_image\"." : "must be \"input_text\" or \"output_text\": only the user's messages have pictures.");
        return new("", null);
    }

    /// <summary>An answer of before comes back as it was given: with its annotations, of which ours have none.</summary>
    private static RequestPart ReadText(FieldReader fields)
    {
        var text = fields.Text("text", RequestLimits.TextLength);
        if (fields.Raw("text") is null) fields.Error("text", "is missing.");
        fields.Ignore("annotations", "logprobs", "prompt_cache_breakpoint");
        fields.Close();
        return new(text ?? "", null);
    }

    private static RequestPart ReadPicture(FieldReader fields, List<ItemError> errors)
    {
        var (url, file) = (fields.Raw("image_url"), fields.Raw("file_id"));
        fields.Ignore("detail", "prompt_cache_breakpoint");
        fields.Close();
        var picture = (url, file) switch
        {
            (null, null) => Refuse("image_url", "is missing: a data URL (data:image/png;base64,…); or file_id, the id of an uploaded file."),
            (not null, not null) => Refuse("image_url", "stands beside file_id: leave one of them out."),
            (null, { } id) when !FileId.TryParse(id.ValueKind == JsonValueKind.String ? id.GetString() : null, out _) => Refuse("file_id", "must be the id of an uploaded file."),
            (null, { } id) => PictureReader.Read(id, fields.PathOf("file_id"), errors),
            ({ } data, null) => PictureReader.Read(data, fields.PathOf("image_url"), errors),
        };
        return new(picture is null ? "" : null, picture);

        RequestPicture? Refuse(string field, string message)
        {
            fields.Error(field, message);
            return null;
        }
    }
}
