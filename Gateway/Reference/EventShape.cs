using Emu3.Gateway.Contracts;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Emu3.Gateway.Reference;

/// <summary>
/// One kind of event of a stream, as the document tells it: an object of the event's fields, <c>event</c> as written and <c>data</c> as the JSON that it
/// holds. That is how OpenAPI 3.2 describes streams (<c>itemSchema</c>); in 3.1, which the tools of today read, it stands as the schema of the media type,
/// where generators of clients look for it.
/// </summary>
/// <param name="Name">What the field <c>event</c> says; null: the event has no such field.</param>
/// <param name="Data">The type of its data; null: <paramref name="Word"/> and no JSON.</param>
/// <param name="Word">Data that is a word.</param>
/// <param name="HasId">Whether it has an <c>id</c>, to go on behind.</param>
internal sealed record EventShape(string? Name, Type? Data, string? Word = null, bool HasId = false)
{
    /// <summary>What any stream can end with.</summary>
    public static EventShape Error { get; } = new("error", typeof(ErrorAnswer));

    /// <summary>The last event of OpenAI's streams.</summary>
    public static EventShape Done { get; } = new(null, null, "[DONE]");

    public static EventShape Of<T>(string? name = null, bool hasId = false) => new(name, typeof(T), HasId: hasId);

    /// <summary>Its schema.</summary>
    public async Task<OpenApiSchema> Describe(OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var schema = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Title = Name ?? Word ?? "an event without a name",
            AdditionalPropertiesAllowed = false,
            Required = new HashSet<string> { "data" },
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["data"] = Data is null
                    ? new OpenApiSchema { Const = Word }
                    : await AnswerSchemas.PointTo(Data, Data == typeof(ErrorAnswer) ? "Error" : Data.Name, context, cancellationToken),
            },
        };
        if (Name is not null) Add(schema, "event", new() { Const = Name });
        if (HasId) Add(schema, "id", new() { Type = JsonSchemaType.String });
        return schema;
    }

    private static void Add(OpenApiSchema schema, string field, OpenApiSchema told)
    {
        schema.Properties![field] = told;
        schema.Required!.Add(field);
    }
}
