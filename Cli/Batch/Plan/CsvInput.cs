using System.Globalization;
using System.Text.Json.Nodes;
using CsvHelper;

namespace Emu3.Cli.Batch.Plan;

/// <summary>CSV with a header of item fields. An empty cell is a field left out.</summary>
internal static class CsvInput
{
    private static readonly char[] s_separators = [',', ';', '\t'];
    private static readonly string[] s_subjectColumns = ["prompt", "question", "image"];
    private static readonly HashSet<string> s_wholeNumberColumns = ["n", "area", "top_k", "output_compression", "max_tokens"];
    private static readonly HashSet<string> s_numberColumns = ["guidance_scale", "temperature", "top_p"];

    /// <summary>Whether a first line names item fields.</summary>
    public static bool LooksLikeHeader(string line) =>
        line.Split(Delimiter(line)).Any(name => s_subjectColumns.Contains(Column(name.Trim('"'))));

    public static IEnumerable<InputLine> Read(string text)
    {
        var isMalformed = false;
        using var reader = CsvReader.FromText(text, new()
        {
            // From the header alone: prompts have commas in them.
            Separator = Delimiter(FirstLine(text)),
            TrackLineNumbers = true,
            OnMalformedRecord = record => isMalformed |= record.Reason != CsvMalformedReason.FieldCountMismatch,
        });
        reader.ReadHeader();
        var header = reader.Headers.Select(Column).ToArray();
        if (header.Length == 0)
        {
            yield break;
        }

        if (HeaderError(header) is { } headerError)
        {
            yield return InputLine.Bad(1, headerError);
            yield break;
        }

        while (reader.Read())
        {
            var number = (int)reader.LineNumber;
            yield return isMalformed
                ? InputLine.Bad(number, "has a quote in the wrong place: a cell with quotes in it is quoted, and its quotes are doubled")
                : ReadRecord(number, header, reader.Current.ToArray());
            isMalformed = false;
        }
    }

    private static InputLine ReadRecord(int number, string[] header, string[] cells)
    {
        if (cells.Length != header.Length)
        {
            return InputLine.Bad(number, $"has {cells.Length} cells, the header has {header.Length}");
        }

        var id = number.ToString(CultureInfo.InvariantCulture);
        var fields = new JsonObject();
        foreach (var (column, cell) in header.Zip(cells).Where(pair => !string.IsNullOrWhiteSpace(pair.Second)))
        {
            if (column is "id" or "custom_id")
            {
                id = cell.Trim();
                continue;
            }

            if (!TryRead(column, cell, out var value))
            {
                return InputLine.Bad(number, $"{column} must be a number, not \"{cell}\"");
            }

            fields[column] = value;
        }

        fields.Insert(0, "id", id);
        return new(number, id, fields.ToJsonString(), null);
    }

    private static bool TryRead(string column, string cell, out JsonNode? value)
    {
        value = cell;
        if (s_wholeNumberColumns.Contains(column))
        {
            var isWhole = long.TryParse(cell, NumberStyles.Integer, CultureInfo.InvariantCulture, out var whole);
            value = whole;
            return isWhole;
        }

        if (s_numberColumns.Contains(column))
        {
            var isNumber = double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number);
            value = isNumber ? number : null;
            return isNumber;
        }

        if (column is "embed_recipe" && bool.TryParse(cell, out var flag))
        {
            value = flag;
        }

        return true;
    }

    private static string? HeaderError(string[] header)
    {
        if (!header.Any(s_subjectColumns.Contains))
        {
            return $"is the header and names no column \"prompt\" (or \"image\" and \"question\"); it names {string.Join(", ", header)}";
        }

        var twice = header.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1);
        return twice is null ? null : $"is the header and names the column \"{twice.Key}\" twice";
    }

    private static string FirstLine(string text)
    {
        var start = text.AsSpan().TrimStart("\r\n\uFEFF");
        var end = start.IndexOfAny('\r', '\n');
        return (end < 0 ? start : start[..end]).ToString();
    }

    private static string Column(string name) => name.Trim().ToLowerInvariant();

    /// <summary>The separator that the header has most of; a comma where it has none.</summary>
    private static char Delimiter(string header) => s_separators.MaxBy(separator => header.Count(c => c == separator));
}
