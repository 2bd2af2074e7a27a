using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Emu3.Benchmarks;

/// <summary>A result file: what it was measured on comes first, then tables. Everything is also printed as it comes.</summary>
internal sealed class Report
{
    private readonly StringBuilder text = new();

    public Report(string title, string command)
    {
        Line($"# {title}");
        Line();
        Line($"`{command}`");
        Line();
        Line($"* commit: {Git("rev-parse --short HEAD")}{(Git("status --porcelain") is "" ? "" : " with changes that are not committed")}");
        Line($"* machine: {ProcessorName()}, {Environment.ProcessorCount} threads, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}");
        Line("* the machine is shared and noisy: read the ratios, which were taken side by side in one run, not the single figures");
    }

    public void Line(string line = "")
    {
        text.AppendLine(line);
        Console.WriteLine(line);
    }

    /// <summary>A table in Markdown.</summary>
    public void Table(string[] head, IEnumerable<string[]> rows)
    {
        Line();
        Line($"| {string.Join(" | ", head)} |");
        Line($"|{string.Concat(Enumerable.Repeat("---|", head.Length))}");
        foreach (var row in rows)
            Line($"| {string.Join(" | ", row)} |");
        Line();
    }

    /// <summary>Writes the file under <c>Benchmarks/results</c>.</summary>
    public void Save(string name)
    {
        var path = Path.Combine(Places.Root, "Benchmarks", "results", name + ".md");
        File.WriteAllText(path, text.ToString());
        Console.WriteLine($"written to {Path.GetRelativePath(Environment.CurrentDirectory, path)}");
    }

    /// <summary>A figure with as many digits as mean something here.</summary>
    public static string Figure(double value) => value.ToString(value >= 100 ? "F0" : value >= 10 ? "F1" : "F2", CultureInfo.InvariantCulture);

    /// <summary>Median, with the smallest and the largest in brackets.</summary>
    public static string Spread(IReadOnlyList<double> values)
    {
        var sorted = values.Order().ToArray();
        return $"{Figure(Median(values))} ({Figure(sorted[0])}–{Figure(sorted[^1])})";
    }

    /// <summary>The value in the middle.</summary>
    public static double Median(IReadOnlyList<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string ProcessorName() => File.Exists("/proc/cpuinfo")
        ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown"
        : RuntimeInformation.ProcessArchitecture.ToString();

    private static string Git(string arguments)
    {
        using var git = Process.Start(new ProcessStartInfo("git", arguments) { WorkingDirectory = Places.Root, RedirectStandardOutput = true })!;
        var output = git.StandardOutput.ReadToEnd().Trim();
        git.WaitForExit();
        return output;
    }
}
