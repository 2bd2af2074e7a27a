using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Emu3.Grains.Interfaces.Requests;
using Microsoft.OpenApi;

namespace Emu3.Gateway.Reference;

/// <summary>
/// The schema of a request's JSON, learned from its reader: the reader reads probes, and what it asks for on the way is what there is. A field that a reader
/// takes is in the document for that reason alone, and one that it no longer takes is gone.
/// </summary>
/// <param name="Name">Of the schema in the document.</param>
/// <param name="Read">The reader.</param>
/// <param name="Example">JSON that it takes.</param>
/// <param name="Adjust">What probes can't show: schemas that point to others. Null: nothing.</param>
internal sealed record RequestShape(string Name, Action<JsonElement, List<ItemError>> Read, string Example, Action<OpenApiSchema, OpenApiDocument>? Adjust)
{
    private readonly ShapeNode _root = new();

    /// <summary>Learns from a reader.</summary>
    /// <param name="name">Of the schema in the document.</param>
    /// <param name="read">Reads a body; what it makes of it does not matter.</param>
    /// <param name="example">JSON that it takes.</param>
    /// <param name="probes">JSON, each with the nested objects that are to be learned, or without the fields that may be missing.</param>
    /// <param name="adjust">See <see cref="Adjust"/>.</param>
    public static RequestShape Learn(
        string name, Action<JsonElement, List<ItemError>> read, string example, IEnumerable<string> probes, Action<OpenApiSchema, OpenApiDocument>? adjust = null)
    {
        var shape = new RequestShape(name, read, example, adjust);
        foreach (var probe in probes)
        {
            using var document = JsonDocument.Parse(probe);
            var log = new FieldLog();
            read(document.RootElement, log);
            shape._root.Add(log);
        }

        return shape;
    }

    /// <summary>A pointer to the schema, which the document then has.</summary>
    public OpenApiSchemaReference In(OpenApiDocument document)
    {
        if (document.Components?.Schemas?.ContainsKey(Name) != true)
        {
            var schema = Describe(_root, "");
            schema.Examples = [JsonNode.Parse(Example)!];
            document.AddComponent(Name, schema);
            Adjust?.Invoke(schema, document);
        }

        return new(Name, document);
    }

    private static OpenApiSchema Describe(ShapeNode node, string path, bool isElement = false, bool isRequired = false)
    {
        var forms = node.Forms.Where(form => form.Kind is not (FieldKind.Any or FieldKind.Ignored or FieldKind.Unsupported)).Select(Describe).ToList();
        if (node.IsObject) forms.Add(DescribeObject(node, path));
        if (node.Element is { } element) forms.Add(new() { Type = JsonSchemaType.Array, Items = MessageParts.Split(Describe(element, path, isElement: true), path) });
        if (forms.Count == 0) forms.Add(node.Forms.FirstOrDefault(form => form.Kind == FieldKind.Unsupported) is { } refused ? Describe(refused) : new());
        var schema = forms.Count == 1 ? forms[0] : new() { AnyOf = [.. forms] };
        if (!isElement && (node.Forms.Count == 0 || node.Forms.Any(form => form.Kind is not (FieldKind.Ignored or FieldKind.Unsupported)))) FieldRules.Apply(schema, path);
        if (!isElement && !isRequired && path.Length > 0) AllowNull(schema);
        if (!isElement) schema.Description = Note(node) ?? FieldTexts.Of(path);
        return schema;
    }

    private static OpenApiSchema DescribeObject(ShapeNode node, string path)
    {
        // Names that its reader does not know are the client's own: whatever was probed stands for all of them.
        if (!node.IsClosed)
            return new() { Type = JsonSchemaType.Object, AdditionalProperties = node.Fields.Values.Select(field => Describe(field, path + ".*")).FirstOrDefault() };
        var schema = new OpenApiSchema { Type = JsonSchemaType.Object, AdditionalPropertiesAllowed = false, Properties = new Dictionary<string, IOpenApiSchema>() };
        schema.Required = node.Fields.Keys.Where(node.IsRequired).ToHashSet();
        foreach (var (name, field) in node.Fields) schema.Properties[name] = Describe(field, path.Length == 0 ? name : $"{path}.{name}", isRequired: schema.Required.Contains(name));
        return schema;
    }

    private static OpenApiSchema Describe(FieldForm form) => form.Kind switch
    {
        FieldKind.Text => new() { Type = JsonSchemaType.String, MaxLength = (int?)form.Most },
        FieldKind.Flag => new() { Type = JsonSchemaType.Boolean },
        FieldKind.Choice => new() { Type = JsonSchemaType.String, Enum = [.. form.Words.Select(word => (JsonNode)word)] },
        FieldKind.Seed => new() { Type = JsonSchemaType.Integer | JsonSchemaType.String, Minimum = $"{long.MinValue}", Maximum = $"{ulong.MaxValue}" },
        FieldKind.Unsupported when form.Words.Count > 0 => new() { Enum = [.. form.Words.Select(word => JsonNode.Parse(word)!)] },
        FieldKind.Whole or FieldKind.Number => new()
        {
            Type = form.Kind == FieldKind.Whole ? JsonSchemaType.Integer : JsonSchemaType.Number,
            Minimum = form.IsLeastExcluded ? null : Number(form.Least),
            ExclusiveMinimum = form.IsLeastExcluded ? Number(form.Least) : null,
            Maximum = Number(form.Most),
        },
        FieldKind.Unsupported => new() { Type = JsonSchemaType.Null },
        _ => new(),
    };

    /// <summary>A field that is null counts as absent, so null may stand wherever a field may be missing.</summary>
    private static void AllowNull(OpenApiSchema schema)
    {
        if (schema.Type is { } type) schema.Type = type | JsonSchemaType.Null;
        if (schema.Enum is { } words) schema.Enum = [.. words, JsonNullSentinel.JsonNull];
        if (schema.AnyOf is { } forms) schema.AnyOf = [.. forms, new OpenApiSchema { Type = JsonSchemaType.Null }];
    }

    private static string? Note(ShapeNode node) => node.Forms.Count == 0 || node.IsObject || node.Element is not null ? null : node.Forms[0] switch
    {
        { Kind: FieldKind.Ignored } => "Accepted, and without effect.",
        { Kind: FieldKind.Unsupported, Words.Count: 0 } => "Not supported: refused by name.",
        { Kind: FieldKind.Unsupported } form => $"Not supported beyond {string.Join(" or ", form.Words)}.",
        _ => null,
    };

    /// <summary>0 and 0.0 are one number.</summary>
    private static string ValueOf(string word) =>
        decimal.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number.ToString("G29", CultureInfo.InvariantCulture) : word;

    private static string? Number(double? number) => number?.ToString(CultureInfo.InvariantCulture);
}
