using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Emu3.Benchmarks.Description;

namespace Emu3.Benchmarks.Fuzz.Document;

/// <summary>Makes requests for operations, from their schemas and from what earlier answers named.</summary>
internal sealed class DocumentRequests(ApiDescription api, ApiNames names, Random random)
{
    private const double BrokenShare = 0.3;
    private const double NobodyShare = 0.1;
    private const double OptionalShare = 0.3;
    private const string Multipart = "multipart/form-data";
    private const string JsonLines = "application/x-ndjson";
    private readonly SchemaSampler _sampler = new(api.Schemas, names, random);

    /// <summary>A request; what is drawn depends on the run's random numbers, and on the names that are known by now.</summary>
    public DocumentRequest Make(ApiOperation operation)
    {
        var mayBreakBody = operation.Bodies.Count > 0;
        var fields = operation.Parameters.Where(field => field.In == "query" && HasBounds(field)).ToList();
        var isBroken = random.NextDouble() < BrokenShare && (mayBreakBody || fields.Count > 0);
        var brokenField = isBroken && (!mayBreakBody || (fields.Count > 0 && random.Next(4) == 0)) ? fields[random.Next(fields.Count)] : null;
        var target = Target(operation, brokenField);
        var headers = operation.Parameters.Where(field => field.In == "header" && random.NextDouble() < OptionalShare && field.Name != "Last-Event-ID")
            .Select(field => (field.Name, random.Next(50).ToString(CultureInfo.InvariantCulture))).ToList();
        var (type, body, isBodyBroken) = Body(operation, isBroken && brokenField is null);
        return new(operation, target, type, body, headers, IsAllowed: brokenField is null && !isBodyBroken);
    }

    /// <summary>Only those can be broken whose schema forbids something.</summary>
    private static bool HasBounds(ApiParameter field) => field.Schema["enum"] is not null || (string?)(field.Schema["type"] as JsonValue) == "integer" || field.Schema["format"] is not null;

    private string Target(ApiOperation operation, ApiParameter? broken)
    {
        // An address that carries its own proof is used as it came.
        if (operation.Parameters.Any(field => field.Name == "signature") && names.Of($"addresses {string.Join('/', operation.Path.Split('/').Take(3))}", random) is { } address && random.NextDouble() > NobodyShare)
            return address;
        var path = string.Join('/', operation.Path.Split('/').Select((segment, at) => segment.StartsWith('{') ? Field(operation, segment.Trim('{', '}'), at) : segment));
        var query = operation.Parameters.Where(field => field.In == "query" && (field == broken || random.NextDouble() < OptionalShare))
            .Select(field => $"{field.Name}={Uri.EscapeDataString(field == broken ? "odd" : Query(operation, field))}");
        return string.Join('&', query) is { Length: > 0 } text ? $"{path}?{text}" : path;
    }

    private string Field(ApiOperation operation, string field, int at)
    {
        if (field == "item") return random.Next(3).ToString(CultureInfo.InvariantCulture);
        var kind = field is "device" or "host" ? "devices" : operation.Path.Split('/')[at - 1] is var before && before is "pictures" or "archives" ? "jobs" : before;
        var name = random.NextDouble() < NobodyShare ? ApiNames.Nobody(kind, random) : names.Of(kind, random) ?? ApiNames.Nobody(kind, random);
        if (field == "host") return Uri.EscapeDataString(name.Split('/')[0]);
        return Uri.EscapeDataString(field == "device" && operation.Path.Contains("{host}", StringComparison.Ordinal) ? name.Split('/')[^1] : name);
    }

    private string Query(ApiOperation operation, ApiParameter field) => field.Name switch
    {
        "after" or "before" => names.Of($"next {operation.Path}", random) ?? "",
        "tenant" => "default",
        _ when (string?)field.Schema["format"] == "date" => TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        _ => _sampler.Draw(field.Schema)?.ToString() ?? "",
    };

    private (string? Type, byte[] Body, bool IsBroken) Body(ApiOperation operation, bool isToBreak)
    {
        if (operation.Bodies.Count == 0) return (null, [], false);
        var (type, schema) = operation.Bodies.ElementAt(random.Next(operation.Bodies.Count));
        if (type == Multipart) return Form(schema, isToBreak);
        if (type == JsonLines) return Lines(schema, isToBreak);
        var value = _sampler.Draw(schema);
        var broken = isToBreak ? _sampler.Break(schema, value) : null;
        return (type, Write(broken ?? value), broken is not null);
    }

    private (string, byte[], bool) Lines(JsonNode schema, bool isToBreak)
    {
        var forms = schema["anyOf"]!.AsArray();
        var lines = new List<JsonNode?> { _sampler.Draw(forms[0]!) };
        for (var count = 1 + random.Next(3); count > 0; count--) lines.Add(_sampler.Draw(forms[1 + random.Next(forms.Count - 1)]!));
        var at = random.Next(lines.Count);
        var broken = isToBreak ? _sampler.Break(at == 0 ? forms[0]! : new JsonObject { ["anyOf"] = new JsonArray([.. forms.Skip(1).Select(form => form!.DeepClone())]) }, lines[at]) : null;
        if (broken is not null) lines[at] = broken;
        return (JsonLines, [.. lines.SelectMany(line => (byte[])[.. Write(line), (byte)'\n'])], broken is not null);
    }

    private (string, byte[], bool) Form(JsonNode schema, bool isToBreak)
    {
        var fields = _sampler.Draw(schema)!.AsObject();
        if (fields.ContainsKey("expires_after[seconds]") != fields.ContainsKey("expires_after[anchor]"))
            foreach (var name in (string[])["expires_after[seconds]", "expires_after[anchor]"]) fields.Remove(name);
        var isBroken = isToBreak && BreakForm(fields);
        var purpose = fields["purpose"]?.ToString();
        var content = purpose == "batch"
            ? Encoding.Latin1.GetString(Write(JsonNode.Parse("""{"custom_id":"a","method":"POST","url":"/v1/images/generations","body":{"prompt":"a star"}}""")))
            : SeedBodies.PictureFile;
        var text = FormMutator.Write(fields.Select(field => (field.Key, field.Key == "file" ? "x.jsonl" : null, field.Key == "file" ? content : field.Value?.ToString() ?? "")));
        return ($"{Multipart}; boundary={FormMutator.Boundary}", Encoding.Latin1.GetBytes(text), isBroken);
    }

    private bool BreakForm(JsonObject fields)
    {
        switch (random.Next(3))
        {
            case 0: fields["zzz"] = "1"; break;
            case 1: fields.Remove(random.Next(2) == 0 ? "purpose" : "file"); break;
            default: fields["purpose"] = "odd"; break;
        }

        return true;
    }

    private static byte[] Write(JsonNode? value) => JsonSerializer.SerializeToUtf8Bytes(value);
}
