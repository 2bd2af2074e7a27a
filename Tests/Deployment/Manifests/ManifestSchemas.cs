using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace Emu3.Tests.Deployment.Manifests;

/// <summary>Holds documents to the strict schemas of Kubernetes 1.33 and of the custom kinds (<c>Schemas/generate.mjs</c> says where they come from).</summary>
internal static class ManifestSchemas
{
    private const int MaxErrors = 6;
    private static readonly JsonObject s_file = JsonNode.Parse(File.ReadAllText(Repository.PathTo("Tests", "Deployment", "Schemas", "kubernetes-1.33.json")))!.AsObject();
    private static readonly Dictionary<string, Lazy<JsonSchema>> s_schemas = s_file["kinds"]!.AsObject().ToDictionary(kind => kind.Key, kind => new Lazy<JsonSchema>(() => Compile((string)kind.Value!)));

    public static IEnumerable<string> Check(ManifestSet set)
    {
        foreach (var document in set.Documents)
        {
            var name = ManifestSet.Name(document);
            if (!s_schemas.TryGetValue($"{document["apiVersion"]} {document["kind"]}", out var schema))
            {
                yield return $"{name}: there is no schema of {document["apiVersion"]} {document["kind"]}.";
                continue;
            }

            var result = schema.Value.Evaluate(JsonSerializer.SerializeToElement(document), new() { OutputFormat = OutputFormat.List });
            if (result.IsValid) continue;
            foreach (var detail in (result.Details ?? []).Where(detail => detail.Errors is { Count: > 0 }).OrderByDescending(detail => detail.InstanceLocation.ToString().Length).Take(MaxErrors))
                yield return $"{name}{detail.InstanceLocation}: {string.Join("; ", detail.Errors!.Values)}";
        }
    }

    private static JsonSchema Compile(string definition)
    {
        var whole = new JsonObject { ["$schema"] = s_file["$schema"]!.DeepClone(), ["$ref"] = $"#/$defs/{definition}", ["$defs"] = s_file["$defs"]!.DeepClone() };
        return JsonSchema.FromText(whole.ToJsonString(), new BuildOptions { SchemaRegistry = new() });
    }
}
