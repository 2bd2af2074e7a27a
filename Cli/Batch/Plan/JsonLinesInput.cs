using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Batch.Plan;

/// <summary>
/// JSON Lines: our own item fields, lines of OpenAI's and vLLM's batch format (known by their <c>custom_id</c>), which pass unchanged, or lines of a <c>metadata.jsonl</c> that a
/// batch has written (<see cref="RecordInput"/>).
/// </summary>
internal static class JsonLinesInput
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    public static IEnumerable<InputLine> Read(string text)
    {
        // Lines end where JSON Lines end them: a line separator of Unicode (U+2028) may stand inside a JSON string as it is.
        using var reader = new StringReader(text);
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            line = line.TrimStart('\uFEFF'); // files that begin with a byte order mark, put one behind the other
            if (!string.IsNullOrWhiteSpace(line))
            {
                yield return ReadLine(number, line);
            }
        }
    }

    private static InputLine ReadLine(int number, string line)
    {
        JsonNode? node;
        try
        {
            node = JsonNode.Parse(line, documentOptions: s_strict);
        }
        catch (JsonException e)
        {
            return InputLine.Bad(number, $"is not a JSON object: {Reason(e)}");
        }
        catch (InvalidOperationException)
        {
            return InputLine.Bad(number, "has a field whose name has half of a surrogate pair, which is no Unicode text.");
        }

        // In values it would be found when they are read, and that throws.
        using var strict = StrictJson.Parse(Encoding.UTF8.GetBytes(line), out var wrongText);
        if (strict is null)
        {
            return InputLine.Bad(number, wrongText);
        }

        if (node is not JsonObject fields)
        {
            return InputLine.Bad(number, "is not a JSON object: each line must look like {\"prompt\": \"…\"}");
        }

        uint sample = 0;
        if (RecordInput.IsRecord(fields))
        {
            var (item, wrong) = RecordInput.ToItem(fields, out sample);
            if (item is null)
            {
                return InputLine.Bad(number, wrong!);
            }

            fields = item;
        }

        var idField = fields.ContainsKey("custom_id") ? "custom_id" : "id";
        switch (fields[idField])
        {
            case null:
                var id = number.ToString(CultureInfo.InvariantCulture);
                fields.Remove("id");
                fields.Insert(0, "id", id);
                return new(number, id, fields.ToJsonString(), null);
            case JsonValue value when value.TryGetValue<string>(out var text):
                return text.Length == 0
                    ? InputLine.Bad(number, $"{idField} is empty; leave it out or give it a name")
                    : new(number, text, fields.ToJsonString(), null) { Sample = sample };
            case JsonValue value when WholeNumber.Digits(value.ToJsonString()) is { } whole:
                fields[idField] = whole;
                return new(number, whole, fields.ToJsonString(), null);
            default:
                return InputLine.Bad(number, $"{idField} must be text");
        }
    }

    /// <summary>The reader's own words, with the column in place of its line and byte numbers, which count from 0 within the line.</summary>
    private static string Reason(JsonException e)
    {
        var end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var reason = (end < 0 ? e.Message : e.Message[..end]).TrimEnd('.');
        return e.BytePositionInLine is { } position ? $"{reason} (at byte {position + 1} of the line)" : reason;
    }
}
