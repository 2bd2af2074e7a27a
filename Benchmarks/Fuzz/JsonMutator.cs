using System.Text;
using System.Text.Json.Nodes;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>Changes JSON: values, members, nesting, or bytes whatever they mean. Text is Latin-1, as in <see cref="RequestDraft"/>.</summary>
internal static class JsonMutator
{
    /// <summary>Stands where something comes that no tree of JSON can hold.</summary>
    private const string Mark = "@odd@";

    /// <summary>The changed document, and what was done.</summary>
    public static (string Name, string Json) Mutate(string json, Random random) => random.Next(20) switch
    {
        < 10 => ("json value", ReplaceValue(json, random)),
        < 12 => ("json member missing", RemoveMember(json, random)),
        < 14 => ("json member unknown", AddMember(json, random)),
        14 => ("json member twice", RepeatMember(json, random)),
        15 => ("json bytes", OddText.Garble(json, random)),
        16 => ("json cut", json[..random.Next(json.Length + 1)]),
        17 => ("json and more", json + OddText.Pick((string[])[" ", "\n\n", "{}", "]", "\0", "x", "\xff", ",", new string(' ', 70_000)], random)),
        18 => ("json of any kind", random.Next(4) == 0 ? OddJson.Draw(random) : OddJson.Random(random, 5)),
        _ => ("json huge", ReplaceValue(json, random, $"\"{new string('x', random.Next(900_000, 1_200_000))}\"")),
    };

    /// <summary>The same of JSON Lines: one line is changed, or all of them stand otherwise.</summary>
    public static (string Name, string Lines) MutateLines(string text, Random random)
    {
        var lines = text.Split('\n').ToList();
        var at = random.Next(lines.Count);
        switch (random.Next(10))
        {
            case 0: lines.Insert(at, OddText.Pick((string[])["", " ", "\r", "[]", "{}", "null", "\0", "\xff", "x"], random)); return ("line added", string.Join('\n', lines));
            case 1: lines.Insert(at, lines[at]); return ("line twice", string.Join('\n', lines));
            case 2: lines.RemoveAt(at); return ("line missing", string.Join('\n', lines));
            case 3: return ("line ends", string.Join(OddText.Pick((string[])["\r\n", "\r", "\n\n", "\u0085", "", " "], random), lines));
            case 4: return ("many lines", string.Join('\n', lines.Take(1).Concat(Enumerable.Repeat("{\"prompt\":\"p\"}", OddText.Pick((int[])[10, 300], random)))));
            default:
                var (name, line) = Mutate(lines[at], random);
                lines[at] = line;
                return (name, string.Join('\n', lines));
        }
    }

    private static string ReplaceValue(string json, Random random, string? by = null)
    {
        var odd = by ?? OddJson.Draw(random);
        var root = Parse(json);
        var places = Places(root).ToList();
        if (places.Count == 0) return odd;
        OddText.Pick(places, random).Set(JsonValue.Create(Mark));
        return Write(root!, odd);
    }

    private static string RemoveMember(string json, Random random)
    {
        var root = Parse(json);
        var places = Places(root).ToList();
        if (places.Count == 0) return "";
        OddText.Pick(places, random).Remove();
        return Write(root!, "");
    }

    private static string AddMember(string json, Random random)
    {
        var root = Parse(json);
        var objects = Places(root).Select(place => place.Value).Append(root).OfType<JsonObject>().ToList();
        if (objects.Count == 0) return OddJson.Draw(random);
        OddText.Pick(objects, random)[Mark] = 1;
        return Write(root!, OddJson.Name(random));
    }

    private static string RepeatMember(string json, Random random)
    {
        var root = Parse(json);
        var members = Places(root).Where(place => place.Name is not null).ToList();
        if (members.Count == 0) return $"{json}{json}";
        var member = OddText.Pick(members, random);
        var value = member.Value?.ToJsonString() ?? "null";
        member.Set(JsonValue.Create(Mark));
        return Write(root!, $"{RequestDraft.Bytes(value)},{RequestDraft.Bytes(JsonValue.Create(member.Name!)!.ToJsonString())}:{OddJson.Draw(random)}");
    }

    private static string Write(JsonNode root, string odd) => RequestDraft.Bytes(root.ToJsonString()).Replace($"\"{Mark}\"", odd, StringComparison.Ordinal);

    /// <summary>Null when an earlier change left no JSON.</summary>
    private static JsonNode? Parse(string json)
    {
        var bytes = Encoding.Latin1.GetBytes(json);
        using var document = StrictJson.Parse(bytes, out _);
        return document is null ? null : JsonNode.Parse(bytes);
    }

    private static IEnumerable<Place> Places(JsonNode? node)
    {
        IEnumerable<Place> own = node switch
        {
            JsonObject members => members.Select(member => new Place(members, member.Key, 0)).ToList(),
            JsonArray elements => Enumerable.Range(0, elements.Count).Select(at => new Place(elements, null, at)).ToList(),
            _ => [],
        };
        foreach (var place in own)
        {
            yield return place;
            foreach (var inner in Places(place.Value)) yield return inner;
        }
    }

    private sealed record Place(JsonNode Parent, string? Name, int At)
    {
        public JsonNode? Value => Name is null ? Parent[At] : Parent[Name];

        public void Set(JsonNode? value)
        {
            if (Name is null) Parent[At] = value;
            else Parent[Name] = value;
        }

        public void Remove()
        {
            if (Name is null) Parent.AsArray().RemoveAt(At);
            else Parent.AsObject().Remove(Name);
        }
    }
}
