using System.Globalization;
using System.Text.Json.Nodes;

namespace Emu3.Benchmarks.Description;

/// <summary>Reads operations of a document, following its references to shared responses and headers; those to schemas stay.</summary>
internal sealed class ApiReader(JsonNode document)
{
    public ApiOperation Read(string path, string method, JsonObject operation) => new(
        method.ToUpperInvariant(), path,
        [.. (operation["parameters"]?.AsArray() ?? []).Select(parameter => new ApiParameter(
            (string)parameter!["name"]!, (string)parameter["in"]!, (bool?)parameter["required"] ?? false, parameter["schema"]!))],
        Contents(operation["requestBody"]),
        operation["responses"]!.AsObject().ToDictionary(response => int.Parse(response.Key, CultureInfo.InvariantCulture), response => Read(Resolve(response.Value!))));

    private ApiResponse Read(JsonNode response) => new(
        [.. (response["headers"]?.AsObject() ?? []).Where(header => (bool?)Resolve(header.Value!)["required"] == true).Select(header => header.Key)], Contents(response));

    private static Dictionary<string, JsonNode> Contents(JsonNode? holder) =>
        (holder?["content"]?.AsObject() ?? []).ToDictionary(content => content.Key, content => content.Value!["schema"] ?? new JsonObject());

    private JsonNode Resolve(JsonNode node) => (string?)node["$ref"] is { } pointer
        ? pointer.Split('/').Skip(1).Aggregate(document, (at, name) => at[name]!)
        : node;
}
