using System.Globalization;
using System.Text.RegularExpressions;

namespace Emu3.Tests.Fakes;

/// <summary>A page of Prometheus' text format, read strictly: a line that is none is refused, and so is a series that is told twice.</summary>
internal sealed partial class Scrape
{
    private readonly Dictionary<string, (string Name, double Value)> _samples = [];
    private readonly HashSet<string> _typed = [];

    /// <summary>Names of samples: of a histogram, those of its parts.</summary>
    public IReadOnlySet<string> Names => _samples.Values.Select(sample => sample.Name).ToHashSet();

    /// <summary>Series with their labels, as they are written.</summary>
    public IEnumerable<string> Series => _samples.Keys;

    public static Scrape Parse(string page)
    {
        Assert.EndsWith("\n", page, StringComparison.Ordinal);
        var scrape = new Scrape();
        foreach (var line in page.TrimEnd('\n').Split('\n')) scrape.Take(line);
        return scrape;
    }

    /// <summary>The sum of all series of a name, of those that have all these labels.</summary>
    public double Value(string name, params (string Label, string Value)[] labels) => _samples
        .Where(sample => sample.Value.Name == name && labels.All(label => sample.Key.Contains($"{label.Label}=\"{label.Value}\"", StringComparison.Ordinal)))
        .Sum(sample => sample.Value.Value);

    private void Take(string line)
    {
        if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
        {
            Assert.True(_typed.Add(line.Split(' ')[2]), $"A metric comes twice: {line}");
            return;
        }

        if (line.StartsWith("# HELP ", StringComparison.Ordinal)) return;
        var sample = Sample().Match(line);
        Assert.True(sample.Success, $"No line of the format: {line}");
        var value = sample.Groups["value"].Value switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            var number => double.Parse(number, CultureInfo.InvariantCulture),
        };
        Assert.True(_samples.TryAdd(sample.Groups["series"].Value, (sample.Groups["name"].Value, value)), $"A series comes twice: {line}");
    }

    [GeneratedRegex("""^(?<series>(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*"(,[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*")*\})?) (?<value>[^ ]+)$""")]
    private static partial Regex Sample();
}
