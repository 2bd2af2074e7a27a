namespace Emu3.Cli.Batch.Plan;

/// <summary>
/// Turns the text of an input file into numbered items. What is wrong with a line is kept with its number, so that all of it can be told at once.
/// </summary>
internal static class InputReader
{
    /// <summary>Reads every item. Blank lines count as lines and are no items.</summary>
    /// <param name="text">The whole file.</param>
    /// <param name="name">Name of the file, "-" for standard input; its ending tells the format.</param>
    /// <param name="format">The format, or <see cref="InputFormat.Auto"/>.</param>
    public static IReadOnlyList<InputLine> Read(string text, string name, InputFormat format)
    {
        var lines = (format == InputFormat.Auto ? Detect(text, name) : format) switch
        {
            InputFormat.Jsonl => JsonLinesInput.Read(text),
            InputFormat.Csv => CsvInput.Read(text),
            _ => TextInput.Read(text),
        };
        return WithoutDuplicateIds(lines);
    }

    /// <summary>The format that a file's name tells, else what its first line looks like.</summary>
    public static InputFormat Detect(string text, string name) => Path.GetExtension(name).ToLowerInvariant() switch
    {
        ".jsonl" or ".ndjson" or ".json" => InputFormat.Jsonl,
        ".csv" or ".tsv" => InputFormat.Csv,
        ".txt" => InputFormat.Text,
        _ => DetectFromFirstLine(text),
    };

    private static InputFormat DetectFromFirstLine(string text)
    {
        var start = text.AsSpan().TrimStart();
        if (start.StartsWith("{"))
        {
            return InputFormat.Jsonl;
        }

        var end = start.IndexOfAny('\r', '\n');
        var first = end < 0 ? start : start[..end];
        return CsvInput.LooksLikeHeader(first.ToString()) ? InputFormat.Csv : InputFormat.Text;
    }

    private static List<InputLine> WithoutDuplicateIds(IEnumerable<InputLine> lines)
    {
        var lineOfId = new Dictionary<(string Id, uint Sample), int>();
        var result = new List<InputLine>();
        foreach (var line in lines)
        {
            result.Add(line.Error is not null || lineOfId.TryAdd((line.Id, line.Sample), line.Number)
                ? line
                : InputLine.Bad(line.Number, $"id \"{line.Id}\" is the id of line {lineOfId[(line.Id, line.Sample)]} already; ids must differ"));
        }

        return result;
    }
}
