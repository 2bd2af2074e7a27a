using Microsoft.OpenApi;

namespace Emu3.Gateway.Reference;

/// <summary>
/// The parts of a message. Probes show all fields of all parts together; which of them go together says the part's type, so each type is a form of its own.
/// </summary>
internal static class MessageParts
{
    private static readonly string[] s_textExtras = ["annotations", "logprobs", "prompt_cache_breakpoint"];
    private static readonly string[] s_pictureExtras = ["detail", "prompt_cache_breakpoint"];

    /// <summary>By the path of the content: type, the field that it needs, and others that it may have. Fields that no reader takes are left out.</summary>
    private static readonly Dictionary<string, (string Type, string Needs, string[] May)[]> s_forms = new(StringComparer.Ordinal)
    {
        ["messages.content"] = [("text", "text", ["cache_control"]), ("image_url", "image_url", ["cache_control"])],
        ["input.content"] =
        [
            ("input_text", "text", s_textExtras), ("output_text", "text", s_textExtras),
            ("input_image", "image_url", s_pictureExtras), ("input_image", "file_id", s_pictureExtras),
        ],
    };

    /// <summary>The forms of a part, where the path is that of parts; else the element as it is.</summary>
    public static OpenApiSchema Split(OpenApiSchema element, string path) =>
        s_forms.TryGetValue(path, out var forms) && element.Properties is { } fields && fields.TryGetValue("type", out var type)
            ? new() { AnyOf = [.. forms.Where(form => fields.ContainsKey(form.Needs)).Select(form => Of(form, fields, type.Description))] }
            : element;

    private static OpenApiSchema Of((string Type, string Needs, string[] May) form, IDictionary<string, IOpenApiSchema> fields, string? description)
    {
        var needed = (OpenApiSchema)fields[form.Needs].CreateShallowCopy();
        needed.Type &= ~JsonSchemaType.Null;
        needed.AnyOf = needed.AnyOf?.Where(inner => inner.Type != JsonSchemaType.Null).ToList();
        var part = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Title = form.Type,
            AdditionalPropertiesAllowed = false,
            Required = new HashSet<string> { "type", form.Needs },
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["type"] = new OpenApiSchema { Type = JsonSchemaType.String, Const = form.Type, Description = description },
                [form.Needs] = needed,
            },
        };
        foreach (var field in form.May.Where(fields.ContainsKey)) part.Properties[field] = fields[field];
        return part;
    }
}
