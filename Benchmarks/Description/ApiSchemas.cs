using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace Emu3.Benchmarks.Description;

/// <summary>Holds values to schemas of a document. A field that a schema does not know is an error, also where the schema leaves that open: the document is to tell all fields.</summary>
internal sealed class ApiSchemas(JsonObject components)
{
    private const string Components = "#/components/schemas/";
    private const int MaxErrors = 4;
    private const int LongestValue = 200;
    private static readonly EvaluationOptions s_evaluation = new() { OutputFormat = OutputFormat.List };
    private readonly ConcurrentDictionary<JsonNode, JsonSchema> _compiled = new(ReferenceEqualityComparer.Instance);
    private readonly JsonObject _definitions = Closed(components).AsObject();

    /// <summary>The schema that a reference means, or the schema itself.</summary>
    public JsonObject Resolve(JsonNode schema) => (string?)schema["$ref"] is { } pointer ? components[pointer[Components.Length..]]!.AsObject() : schema.AsObject();

    /// <summary>What is wrong with a value: where, what, and the value there. Empty when nothing is.</summary>
    public IReadOnlyList<string> Errors(JsonNode schema, JsonElement value)
    {
        var results = _compiled.GetOrAdd(schema, Compile).Evaluate(value, s_evaluation);
        if (results.IsValid) return [];
        // Of forms that exclude each other, the one that the value comes closest to says most: its errors lie deepest.
        return [.. (results.Details ?? []).Where(detail => detail.Errors is { Count: > 0 })
            .OrderByDescending(detail => detail.InstanceLocation.ToString().Length).Take(MaxErrors)
            .Select(detail => $"{detail.InstanceLocation}: {string.Join(", ", detail.Errors!.Values)} [{ValueAt(value, detail.InstanceLocation.ToString())}]")];
    }

    public bool IsValid(JsonNode schema, JsonElement value) => _compiled.GetOrAdd(schema, Compile).Evaluate(value).IsValid;

    private JsonSchema Compile(JsonNode schema)
    {
        var whole = new JsonObject { ["$schema"] = "https://json-schema.org/draft/2020-12/schema", ["allOf"] = new JsonArray(Closed(schema)), ["$defs"] = _definitions.DeepClone() };
        return JsonSchema.FromText(whole.ToJsonString(), new BuildOptions { SchemaRegistry = new() });
    }

    private static JsonNode Closed(JsonNode schema)
    {
        var copy = schema.DeepClone();
        Close(copy);
        return copy;
    }

    private static void Close(JsonNode? node)
    {
        if (node is JsonArray array)
        {
            foreach (var element in array) Close(element);
            return;
        }
        if (node is not JsonObject schema) return;
        foreach (var (name, value) in schema.ToList())
        {
            if (name == "$ref") schema[name] = ((string)value!).Replace(Components, "#/$defs/", StringComparison.Ordinal);
            else if (name is not ("enum" or "const" or "examples" or "example")) Close(value);
        }

        if ((string?)(schema["type"] as JsonValue) == "object" && schema["properties"] is JsonObject && !schema.ContainsKey("additionalProperties")) schema["additionalProperties"] = false;
    }

    private static string ValueAt(JsonElement value, string pointer)
    {
        foreach (var step in pointer.Split('/').Skip(1).Select(step => step.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)))
            value = value.ValueKind == JsonValueKind.Array ? value[int.Parse(step, System.Globalization.CultureInfo.InvariantCulture)] : value.GetProperty(step);
        return value.GetRawText() is { Length: > LongestValue } text ? $"{text[..LongestValue]}…" : value.GetRawText();
    }
}
