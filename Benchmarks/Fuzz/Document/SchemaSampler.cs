using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Emu3.Benchmarks.Description;

namespace Emu3.Benchmarks.Fuzz.Document;

/// <summary>Draws values that a schema allows: plain ones, and now and then those at its bounds.</summary>
internal sealed class SchemaSampler(ApiSchemas schemas, ApiNames names, Random random)
{
    /// <summary>How often a field is there that may be missing: seldom, so that few of those come together that exclude each other.</summary>
    private const double OptionalShare = 0.12;
    private const double BoundaryShare = 0.15;

    /// <summary>Longer texts at a bound would measure the model and not the schema.</summary>
    private const int LongestBoundary = 512;
    private const int MaxTries = 50;
    private static readonly string[] s_words = ["a star", "Was ist das?", "赤い星", "a \"quoted\" \\ text\nin two lines", "🌟", "ok"];

    /// <summary>A value that the schema allows.</summary>
    /// <exception cref="InvalidOperationException">None was found: this sampler does not know a keyword of the schema.</exception>
    public JsonNode? Draw(JsonNode schema)
    {
        for (var tries = 0; tries < MaxTries; tries++)
        {
            var value = Any(schema, "");
            if (IsAllowed(schema, value)) return value;
        }

        throw new InvalidOperationException($"No value was found for {schema.ToJsonString()}");
    }

    /// <summary>A value that differs from an allowed one in one place, and that the schema forbids; null where none was found.</summary>
    public JsonNode? Break(JsonNode schema, JsonNode? allowed)
    {
        for (var tries = 0; tries < MaxTries; tries++)
        {
            var value = new JsonObject { ["x"] = allowed?.DeepClone() };
            BreakAt(Places(value).ElementAt(random.Next(Places(value).Count())));
            if (!IsAllowed(schema, value["x"])) return value["x"]?.DeepClone() ?? JsonValue.Create("null");
        }

        return null;
    }

    private bool IsAllowed(JsonNode schema, JsonNode? value) => schemas.IsValid(schema, JsonSerializer.SerializeToElement(value));

    private JsonNode? Any(JsonNode told, string field)
    {
        var schema = schemas.Resolve(told);
        if (names.ValueOf(field, schema, random) is { } known) return known;
        if (schema["const"] is { } one) return one.DeepClone();
        if (schema["enum"] is JsonArray words) return words[random.Next(words.Count)]?.DeepClone();
        if (schema["properties"] is null && (schema["anyOf"] ?? schema["oneOf"]) is JsonArray forms) return Any(forms[random.Next(forms.Count)]!, field);
        string[] types = schema["type"] switch { JsonArray several => [.. several.Select(type => (string)type!)], { } type => [(string)type!], null => [] };
        if (types.Length > 1 && random.Next(10) > 0) types = [.. types.Where(type => type != "null")];
        return (types.Length == 0 ? "any" : types[random.Next(types.Length)]) switch
        {
            "object" => Object(schema),
            "array" => new JsonArray([.. Enumerable.Range(0, Count(schema, "minItems", "maxItems")).Select(_ => Any(schema["items"]!, field))]),
            "string" => Text(schema),
            "integer" => Whole(schema),
            "number" => Number(schema),
            "boolean" => random.Next(2) == 0,
            "null" => null,
            _ => random.Next(2) == 0 ? null : "anything",
        };
    }

    private JsonObject Object(JsonObject schema)
    {
        var value = new JsonObject();
        var required = (schema["required"] as JsonArray)?.Select(name => (string)name!).ToHashSet() ?? [];
        foreach (var (name, field) in schema["properties"] as JsonObject ?? [])
            if (required.Contains(name) || random.NextDouble() < OptionalShare) value[name] = Any(field!, name);
        // Forms of one object: what the form adds is in it too.
        if ((schema["anyOf"] ?? schema["oneOf"]) is JsonArray forms)
        {
            var form = forms[random.Next(forms.Count)]!;
            foreach (var (name, told) in form["properties"] as JsonObject ?? [])
                if (told!["not"] is null) value[name] = Any(told, name);
            foreach (var name in (form["required"] as JsonArray ?? []).Select(name => (string)name!).Where(name => !value.ContainsKey(name))) value[name] = Any(schema["properties"]![name]!, name);
        }

        if (schema["additionalProperties"] is JsonObject values)
            for (var count = Count(schema, "minProperties", "maxProperties"); count > 0; count--) value[$"key {count}"] = Any(values, "");
        return value;
    }

    private int Count(JsonObject schema, string least, string most)
    {
        var (from, to) = ((int?)schema[least] ?? 0, (int?)schema[most] ?? 3);
        return random.NextDouble() < BoundaryShare && to <= 16 ? to : from + random.Next(Math.Min(2, to - from + 1));
    }

    private JsonNode Text(JsonObject schema)
    {
        if (schema["examples"] is JsonArray examples && examples.Where(example => example!.GetValueKind() == JsonValueKind.String).ToList() is { Count: > 0 } texts)
            return texts[random.Next(texts.Count)]!.DeepClone();
        var (least, most) = ((int?)schema["minLength"] ?? 0, (int?)schema["maxLength"] ?? 64);
        if (random.NextDouble() < BoundaryShare) return random.Next(2) == 0 || most > LongestBoundary ? new string('a', least) : new string('b', most);
        return s_words[random.Next(s_words.Length)];
    }

    private JsonNode Whole(JsonObject schema)
    {
        var (least, most) = (Bound(schema, "minimum") ?? 0, Bound(schema, "maximum") ?? 1_000);
        if (random.NextDouble() < BoundaryShare) return JsonNode.Parse((random.Next(2) == 0 ? least : most).ToString(CultureInfo.InvariantCulture))!;
        return JsonNode.Parse((least + random.Next((int)Math.Min(3, most - least + 1))).ToString(CultureInfo.InvariantCulture))!;
    }

    private JsonNode Number(JsonObject schema)
    {
        var (least, most) = ((double)(Bound(schema, "minimum") ?? 0), (double)(Bound(schema, "maximum") ?? 10));
        if (random.NextDouble() < BoundaryShare) return random.Next(2) == 0 ? least : most;
        return least + (1 - random.NextDouble()) * (most - least);
    }

    private static decimal? Bound(JsonObject schema, string name) => schema[name] is { } bound ? decimal.Parse(bound.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture) : null;

    /// <summary>All members and elements of a value: whose, and which.</summary>
    private static IEnumerable<(JsonNode Holder, object At)> Places(JsonNode value) => value switch
    {
        JsonObject members => members.SelectMany(member => Places(member.Value!, (value, member.Key))),
        JsonArray elements => elements.SelectMany((element, at) => Places(element!, (value, at))),
        _ => [],
    };

    private static IEnumerable<(JsonNode, object)> Places(JsonNode? inner, (JsonNode, object) place) => inner is null ? [place] : Places(inner).Prepend(place);

    private void BreakAt((JsonNode Holder, object At) place)
    {
        JsonNode? odd = random.Next(9) switch
        {
            0 => "odd",
            1 => -1,
            2 => 1.5,
            3 => true,
            4 => new JsonArray(),
            5 => new JsonObject(),
            6 => JsonNode.Parse("1e25"), // the library compares numbers as decimals, and throws beyond them
            7 => new string('x', 40_000),
            _ => null,
        };
        switch (place)
        {
            case (JsonArray array, int at): array[at] = odd; break;
            case (JsonObject members, string name) when members[name] is JsonObject inner && random.Next(3) == 0: inner["zzz"] = 1; break;
            case (JsonObject members, string name) when name != "x" && random.Next(4) == 0: members.Remove(name); break;
            case (JsonObject members, string name): members[name] = odd; break;
        }
    }
}
