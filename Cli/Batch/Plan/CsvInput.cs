using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CsvHelper;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli.Batch.Plan;

/// <summary>
/// CSV with a header of item fields. An empty cell is a field left out; rows and columns that are empty all over, as spreadsheets leave them at the ends, are nothing at all.
/// A first column without a name is the index that pandas writes, and is passed over.
/// </summary>
internal static partial class CsvInput
{
    private static readonly char[] s_separators = [',', ';', '\t'];
    private static readonly string[] s_subjectColumns = ["prompt", "question", "image"];
    private static readonly HashSet<string> s_wholeNumberColumns = ["n", "area", "top_k", "output_compression", "max_tokens", "sample"];
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
            if (!isMalformed && reader.Current.ToArray().All(string.IsNullOrWhiteSpace))
            {
                continue;
            }

            yield return isMalformed
                ? InputLine.Bad(number, "has a quote in the wrong place: a cell with quotes in it is quoted, and its quotes are doubled")
                : ReadRecord(number, header, reader.Current.ToArray());
            isMalformed = false;
        }
    }

    private static InputLine ReadRecord(int number, string[] header, string[] cells)
    {
        if (cells.Length < header.Length || cells.Skip(header.Length).Any(cell => !string.IsNullOrWhiteSpace(cell)))
        {
            return InputLine.Bad(number, $"has {cells.Length} cells, the header has {header.Length}");
        }

        var id = number.ToString(CultureInfo.InvariantCulture);
        var fields = new JsonObject();
        foreach (var (column, cell) in header.Zip(cells).Skip(IsIndex(header[0]) ? 1 : 0).Where(pair => !string.IsNullOrWhiteSpace(pair.Second)))
        {
            if (column is "id" or "custom_id")
            {
                id = cell.Trim();
                continue;
            }

            if (column.Length == 0)
            {
                return InputLine.Bad(number, $"has \"{cell}\" in a column without a name: name it in the header, or empty it");
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
            var isWhole = long.TryParse(WholeNumber.Digits(cell), NumberStyles.Integer, CultureInfo.InvariantCulture, out var whole);
            value = whole;
            return isWhole;
        }

        if (column is "seed")
        {
            // Text: a seed has up to 64 bits. What is no whole number is left for the reader of seeds to refuse.
            value = WholeNumber.Digits(cell) ?? cell;
            return true;
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
            return $"is the header and names no column \"prompt\" (or \"image\" and \"question\"); it names {string.Join(", ", header.Where(name => name.Length > 0))}";
        }

        var twice = header.Where(name => name.Length > 0).GroupBy(name => name).FirstOrDefault(group => group.Count() > 1);
        return twice is null ? null : $"is the header and names the column \"{twice.Key}\" twice";
    }

    private static string FirstLine(string text)
    {
        var start = text.AsSpan().TrimStart("\r\n\uFEFF");
        var end = start.IndexOfAny('\r', '\n');
        return (end < 0 ? start : start[..end]).ToString();
    }

    /// <summary>pandas writes its index without a name; read and written once more it is called "Unnamed: 0".</summary>
    private static bool IsIndex(string column) => column.Length == 0 || UnnamedPattern().IsMatch(column);

    [GeneratedRegex(@"^unnamed: \d+$")]
    private static partial Regex UnnamedPattern();

    private static string Column(string name) => name.Trim().ToLowerInvariant();

    /// <summary>The separator that the header has most of; a comma where it has none.</summary>
    private static char Delimiter(string header) => s_separators.MaxBy(separator => header.Count(c => c == separator));
}
