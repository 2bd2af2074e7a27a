using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Emu3.Benchmarks.Description;

/// <summary>Holds a stream's events, or a file's lines, to their schema as they pass: whoever reads on gets each byte when it comes.</summary>
/// <param name="operation">Its name.</param>
/// <param name="schema">Of one event or line.</param>
/// <param name="schemas">The document's.</param>
/// <param name="isEvents">Server-sent events, not lines of JSON.</param>
internal sealed class StreamRules(string operation, JsonNode schema, ApiSchemas schemas, bool isEvents)
{
    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly List<string> _departures = [];
    private JsonObject _event = [];

    /// <summary>Takes the next bytes.</summary>
    /// <returns>What departs from the document in what is whole by now.</returns>
    public IReadOnlyList<string> Pass(ReadOnlySpan<byte> bytes)
    {
        _departures.Clear();
        while (bytes.IndexOf((byte)'\n') is >= 0 and var end)
        {
            _line.Write(bytes[..end]);
            Take(Encoding.UTF8.GetString(_line.WrittenSpan).TrimEnd('\r'));
            _line.ResetWrittenCount();
            bytes = bytes[(end + 1)..];
        }

        _line.Write(bytes);
        return _departures;
    }

    private void Take(string line)
    {
        if (!isEvents)
        {
            if (line.Length > 0) Hold(line);
            return;
        }
        if (line.Length == 0)
        {
            // Without data it is none: a comment, or how long to wait before coming back.
            if (_event.ContainsKey("data")) Hold(_event.ToJsonString());
            _event = [];
            return;
        }
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0) return;
        var (field, value) = (line[..colon], line[(colon + 1)..].TrimStart(' '));
        if (field == "data") _event[field] = Parse(value);
        else if (field != "retry") _event[field] = value;
    }

    private JsonNode? Parse(string data)
    {
        if (!data.StartsWith('{')) return data;
        try
        {
            return JsonNode.Parse(data);
        }
        catch (JsonException broken)
        {
            _departures.Add($"{operation}: the data of an event is no JSON: {broken.Message}");
            return data;
        }
    }

    private void Hold(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            _departures.AddRange(schemas.Errors(schema, document.RootElement).Select(error => $"{operation}: {error}"));
        }
        catch (JsonException broken)
        {
            _departures.Add($"{operation}: no JSON: {broken.Message}");
        }
    }
}
