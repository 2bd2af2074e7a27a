using System.Text.Json;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Emu3.Tests.Deployment;

/// <summary>The dashboard and the alert rules of <c>k8s/components/monitoring</c>, and what they name.</summary>
internal static partial class MonitoringFiles
{
    public static string Folder { get; } = Repository.PathTo("k8s", "components", "monitoring");

    public static string Rules => File.ReadAllText(Path.Combine(Folder, "rules.yaml"));

    /// <summary>Writes the rules as Prometheus and promtool read them, without the object of the operator around them, beside their tests.</summary>
    /// <returns>The rules' file.</returns>
    public static string WriteRules(string folder)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(Rules));
        var path = Path.Combine(folder, "rules.yaml");
        using var writer = File.CreateText(path);
        new YamlStream(new YamlDocument(stream.Documents[0].RootNode["spec"])).Save(writer, assignAnchors: false);
        File.Copy(Path.Combine(Folder, "rules.test.yaml"), Path.Combine(folder, "rules.test.yaml"), overwrite: true);
        return path;
    }

    /// <summary>Every expression of the dashboard.</summary>
    public static IReadOnlyList<string> DashboardExpressions()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "dashboard.json")));
        return [.. dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .Where(panel => panel.TryGetProperty("targets", out _))
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
            .Select(target => target.GetProperty("expr").GetString()!)];
    }

    /// <summary>Names of metrics in expressions, however they are wrapped.</summary>
    public static IReadOnlyList<string> MetricsOf(IEnumerable<string> expressions) =>
        [.. expressions.SelectMany(expression => MetricName().Matches(Quoted().Replace(expression, "")).Select(name => name.Value)).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Every metric that the dashboard and the rules ask for.</summary>
    public static IReadOnlyList<string> Metrics() => MetricsOf(
        DashboardExpressions().Concat(Rules.Split('\n').Where(line => !line.TrimStart().StartsWith('#') && !line.Contains("runbook_url", StringComparison.Ordinal))));

    [GeneratedRegex("""\b(emu3_|vllm:|http_server_|dotnet_)[a-z0-9_]+""")]
    private static partial Regex MetricName();

    [GeneratedRegex("""
        "[^"]*"
        """)]
    private static partial Regex Quoted();
}
