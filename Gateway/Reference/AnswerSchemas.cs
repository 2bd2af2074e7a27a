using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Emu3.Gateway.Contracts;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Emu3.Gateway.Reference;

/// <summary>
/// Makes the schemas of answers say what is written: a field is required where the JSON always has it, and may be null where null is written. The library
/// goes by constructors and <c>required</c> instead, which say what C# needs in order to read.
/// </summary>
internal static class AnswerSchemas
{
    /// <summary>Where the library notes the name under which a type becomes a component.</summary>
    private const string SchemaId = "x-schema-id";

    /// <summary>Where the library notes that a property's reference is to be wrapped: null, or the component.</summary>
    private const string IsNullable = "x-is-nullable-property";

    /// <summary>What a line of a batch's output holds, whose type in code is any object: what the endpoint answers, or an error.</summary>
    private static readonly string[] s_bodiesOfBatches = [nameof(ImagesAnswer), nameof(ChatAnswer), "ResponseAnswer", "Error"];

    /// <summary>As a schema transformer, for every type that an answer holds.</summary>
    public static Task Complete(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Kind != JsonTypeInfoKind.Object || schema.Properties is not { } properties) return Task.CompletedTask;
        schema.Required = new HashSet<string>();
        foreach (var property in context.JsonTypeInfo.Properties)
        {
            if (!properties.TryGetValue(property.Name, out var told) || told is not OpenApiSchema field) continue;
            var isOmitted = IsOmittedWhenNull(property);
            if (!isOmitted) schema.Required.Add(property.Name);
            if (isOmitted || !MayBeNull(property)) ForbidNull(field);
        }

        return Task.CompletedTask;
    }

    /// <summary>What holds for components as a whole.</summary>
    public static void Clean(OpenApiDocument document)
    {
        var schemas = document.Components!.Schemas!;
        if (schemas.TryGetValue(nameof(BatchResponseAnswer), out var line))
            line.Properties!["body"] = new OpenApiSchema { AnyOf = [.. s_bodiesOfBatches.Where(schemas.ContainsKey).Select(name => new OpenApiSchemaReference(name, document))] };
        foreach (var schema in schemas.Values.OfType<OpenApiSchema>())
        {
            // A component itself is never nullable: the property that refers to it says whether null is allowed, so that null matches one branch only.
            if (schema.Enum is not { } words) continue;
            schema.Enum = [.. words.Where(word => !IsNull(word))];
            if (schema.Enum.All(word => word.GetValueKind() == System.Text.Json.JsonValueKind.String)) schema.Type = JsonSchemaType.String;
        }
    }

    /// <summary>A pointer to the schema of a type, with everything that the type holds among the components.</summary>
    public static async Task<OpenApiSchemaReference> PointTo(Type type, string name, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var document = context.Document!;
        if (document.Components?.Schemas?.ContainsKey(name) != true)
        {
            var schema = await context.GetOrCreateSchemaAsync(type, null, cancellationToken);
            Share(schema, document);
            document.AddComponent(name, schema);
        }

        return new(name, document);
    }

    /// <summary>What a type inside another is called goes to the components, as the library does it for what routes give.</summary>
    private static void Share(OpenApiSchema schema, OpenApiDocument document)
    {
        foreach (var (name, field) in schema.Properties?.ToList() ?? []) schema.Properties![name] = Shared(field, document);
        if (schema.Items is { } items) schema.Items = Shared(items, document);
        if (schema.AdditionalProperties is { } values) schema.AdditionalProperties = Shared(values, document);
    }

    private static IOpenApiSchema Shared(IOpenApiSchema told, OpenApiDocument document)
    {
        if (told is not OpenApiSchema schema) return told;
        Share(schema, document);
        if (schema.Metadata is not { } notes || !notes.TryGetValue(SchemaId, out var id) || id is not string { Length: > 0 } name) return schema;
        var isNullable = notes.ContainsKey(IsNullable);
        if (document.Components?.Schemas?.ContainsKey(name) != true) document.AddComponent(name, schema);
        var reference = new OpenApiSchemaReference(name, document);
        return isNullable ? new OpenApiSchema { OneOf = [new OpenApiSchema { Type = JsonSchemaType.Null }, reference] } : reference;
    }

    private static bool IsOmittedWhenNull(JsonPropertyInfo property) =>
        property.AttributeProvider?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true) is [JsonIgnoreAttribute { Condition: not JsonIgnoreCondition.Never }, ..];

    private static bool MayBeNull(JsonPropertyInfo property) => property.PropertyType.IsValueType
        ? Nullable.GetUnderlyingType(property.PropertyType) is not null
        : property.AttributeProvider is not PropertyInfo known || new NullabilityInfoContext().Create(known).ReadState != NullabilityState.NotNull;

    private static void ForbidNull(OpenApiSchema schema)
    {
        schema.Metadata?.Remove(IsNullable);
        if (schema.Type is { } type && type != JsonSchemaType.Null) schema.Type = type & ~JsonSchemaType.Null;
        if (schema.Enum is { } words) schema.Enum = [.. words.Where(word => !IsNull(word))];
    }

    private static bool IsNull(JsonNode? word) => word is null || word.IsJsonNullSentinel();
}
