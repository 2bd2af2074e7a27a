using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Emu3.Benchmarks.Fuzz.Document;

/// <summary>What answers named so far: ids, cursors, addresses, which later requests ask about.</summary>
internal sealed class ApiNames
{
    /// <summary>Of each kind, the newest are kept.</summary>
    private const int MaxOfAKind = 12;

    private static readonly Dictionary<string, string> s_kinds = new(StringComparer.Ordinal)
    {
        ["job"] = "jobs",
        ["file"] = "files",
        ["batch"] = "batches",
        ["api_key"] = "keys",
        ["model"] = "models",
    };

    private readonly Dictionary<string, List<string>> _names = new(StringComparer.Ordinal);

    /// <summary>A name of a kind, often the newest, or null when none is known.</summary>
    public string? Of(string kind, Random random) =>
        _names.TryGetValue(kind, out var known) && known.Count > 0 ? known[random.Next(2) == 0 ? known.Count - 1 : random.Next(known.Count)] : null;

    public void Add(string kind, string name)
    {
        var known = _names.TryGetValue(kind, out var list) ? list : _names[kind] = [];
        if (known.Contains(name)) return;
        known.Add(name);
        if (known.Count > MaxOfAKind) known.RemoveAt(0);
    }

    /// <summary>The value of a body's field that means something which is there; null: whatever its schema allows.</summary>
    public JsonNode? ValueOf(string field, JsonObject schema, Random random) => field switch
    {
        "model" => Of("models", random),
        "input_file_id" => Of("batch files", random),
        "url" or "image_url" when schema["pattern"] is not null => random.Next(3) == 0 ? Of("vision files", random) ?? SeedBodies.Picture : SeedBodies.Picture,
        "file_id" when schema["pattern"] is not null => Of("vision files", random),
        "image" when (string?)(schema["type"] as JsonValue) == "string" => SeedBodies.Picture,
        "expires_at" => TimeProvider.System.GetUtcNow().AddDays(1).ToUnixTimeSeconds(),
        // Nobody is told anything: the address is one that documentation uses.
        "webhook" => new JsonObject { ["url"] = "https://192.0.2.1/emu3" },
        _ => null,
    };

    /// <summary>Learns from a JSON answer.</summary>
    /// <param name="path">The path of the operation, with its fields in braces.</param>
    /// <param name="answer">Its answer.</param>
    public void Learn(string path, JsonElement answer)
    {
        if (answer.ValueKind == JsonValueKind.Array)
        {
            foreach (var element in answer.EnumerateArray()) Learn(path, element);
            return;
        }
        if (answer.ValueKind != JsonValueKind.Object) return;
        if (Text(answer, "object") is { } kind && Text(answer, "id") is { Length: > 0 } id)
        {
            if (s_kinds.TryGetValue(kind, out var known)) Add(known, id);
            if (kind == "file" && Text(answer, "purpose") is { } purpose) Add($"{purpose} files", id);
            if (kind == "worker" && Text(answer, "device") is { } device) Add("devices", device);
        }

        foreach (var member in answer.EnumerateObject())
        {
            if (member.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array) Learn(path, member.Value);
            else if (member.Name is "output_file_id" or "error_file_id" or "file_id" && member.Value.GetString() is { } file) Add("files", file);
            else if (member.Name is "next" or "last_id" && member.Value.ValueKind is not JsonValueKind.Null) Add($"next {path}", member.Value.ToString());
            else if (member.Name == "url" && Uri.TryCreate(member.Value.GetString(), UriKind.Absolute, out var address) && address.Query.Contains("signature=", StringComparison.Ordinal))
                Add($"addresses {string.Join('/', address.AbsolutePath.Split('/').Take(3))}", address.PathAndQuery);
        }
    }

    /// <summary>A name that nothing has, though it could.</summary>
    public static string Nobody(string kind, Random random) => kind switch
    {
        "jobs" => "job_" + Hex(random, 32),
        "files" => "file-" + Hex(random, 32),
        "batches" => "batch_" + Hex(random, 32),
        "keys" => "key_" + Hex(random, 16),
        _ => "nobody",
    };

    private static string Hex(Random random, int digits) => string.Concat(Enumerable.Range(0, digits).Select(_ => random.Next(16).ToString("x", CultureInfo.InvariantCulture)));

    private static string? Text(JsonElement holder, string name) => holder.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
