using System.Text.Json;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// Reads chat messages in OpenAI's form: text, and pictures in user messages. The conversation begins with at most one system message, then
/// user and assistant take turns, and the user has the last word: what the model's template knows.
/// </summary>
internal static class MessageReader
{
    private const int MostMessages = 256;

    public static IReadOnlyList<RequestTurn>? Read(JsonElement messages, string path, List<ItemError> errors)
    {
        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() is 0 or > MostMessages)
        {
            errors.Add(new(path, $"must be an array of 1 to {MostMessages} messages."));
            return null;
        }
        var before = errors.Count;
        var turns = messages.EnumerateArray().Select((message, i) => ReadTurn(message, $"{path}[{i}]", errors)).ToList();
        if (errors.Count > before) return null;
        CheckOrder(turns, path, errors);
        return turns;
    }

    private static RequestTurn ReadTurn(JsonElement message, string path, List<ItemError> errors)
    {
        var fields = new FieldReader(message, path, errors);
        var role = fields.Choice("role", ("system", Role.System), ("developer", Role.System), ("user", Role.User), ("assistant", Role.Assistant));
        if (fields.IsObject && fields.Raw("role") is null) fields.Error("role", "is missing.");
        var content = fields.Raw("content");
        if (fields.IsObject && content is null) fields.Error("content", "is missing: a string, or an array of parts.");
        fields.Ignore("name", "annotations");
        foreach (var field in (ReadOnlySpan<string>)["refusal", "audio", "function_call", "tool_calls"]) fields.Unsupported(field, "[]");
        fields.Close();
        var parts = content switch
        {
            null => [],
            { ValueKind: JsonValueKind.Array } array => array.EnumerateArray()
                .Select((part, i) => ReadPart(part, $"{path}.content[{i}]", role == Role.User, errors)).ToList(),
            _ => [new RequestPart(fields.Text("content", RequestLimits.TextLength) ?? "", null)],
        };
        return new(role switch { Role.System => "system", Role.Assistant => "assistant", _ => "user" }, parts);
    }

    private static RequestPart ReadPart(JsonElement part, string path, bool mayHavePictures, List<ItemError> errors)
    {
        var fields = new FieldReader(part, path, errors);
        var type = fields.Text("type", 64);
        if (type == "text")
        {
            var text = fields.Text("text", RequestLimits.TextLength);
            if (fields.Raw("text") is null) fields.Error("text", "is missing.");
            fields.Close();
            return new(text ?? "", null);
        }
        if (type == "image_url" && mayHavePictures)
        {
            var url = fields.Raw("image_url");
            fields.Close();
            if (url is not { } given)
            {
                fields.Error("image_url", "is missing.");
                return new("", null);
            }
            var inner = new FieldReader(given, fields.PathOf("image_url"), errors);
            inner.Ignore("detail");
            var picture = inner.Raw("url") is { } data ? PictureReader.Read(data, inner.PathOf("url"), errors) : null;
            if (inner.IsObject && inner.Raw("url") is null) inner.Error("url", "is missing.");
            inner.Close();
            return new(picture is null ? "" : null, picture);
        }
        fields.Error("type", mayHavePictures ? "must be \"text\" or \"image_url\"." : "must be \"text\": only the user's messages have pictures.");
        return new("", null);
    }

    internal static void CheckOrder(List<RequestTurn> turns, string path, List<ItemError> errors)
    {
        var first = turns[0].Role == "system" ? 1 : 0;
        for (var i = first; i < turns.Count; i++)
            if (turns[i].Role != ((i - first) % 2 == 0 ? "user" : "assistant"))
            {
                errors.Add(new($"{path}[{i}].role", $"is out of turn: after an optional system message, user and assistant take turns; here it must be \"{((i - first) % 2 == 0 ? "user" : "assistant")}\"."));
                return;
            }
        if (turns[^1].Role != "user") errors.Add(new(path, "must end with a message of the user."));
    }

    private enum Role { System, User, Assistant }
}
