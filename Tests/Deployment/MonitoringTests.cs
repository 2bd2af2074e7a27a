using System.Text.RegularExpressions;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Deployment;

[Trait("Suite", "Fast")]
public sealed partial class MonitoringTests
{
    [Fact]
    public void Alerts_EachHave_ARunbookThatIsThere()
    {
        var links = RunbookLink().Matches(MonitoringFiles.Rules).Select(link => link.Groups["anchor"].Value).ToList();
        Assert.Equal(AlertName().Count(MonitoringFiles.Rules), links.Count);
        var anchors = File.ReadLines(Repository.PathTo("docs", "operations.md")).Where(line => line.StartsWith('#')).Select(AnchorOf).ToHashSet();
        Assert.Empty(links.Except(anchors));
    }

    [Fact]
    public void Alerts_AreAllTold_InOperations()
    {
        var operations = File.ReadAllText(Repository.PathTo("docs", "operations.md"));
        Assert.All(AlertName().Matches(MonitoringFiles.Rules), alert => Assert.Contains($"`{alert.Groups["name"].Value}`", operations, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rules_AreRules_AndFireWhenTheyShould()
    {
        using var folder = new TemporaryFolder();
        var check = await Promtool.RunAsync(null, "check", "rules", MonitoringFiles.WriteRules(folder.FullPath));
        Assert.True(check.ExitCode == 0, check.Text);
        var test = await Promtool.RunAsync(null, "test", "rules", folder.PathTo("rules.test.yaml"));
        Assert.True(test.ExitCode == 0, test.Text);
    }

    [Fact]
    public void Rules_AreEach_Tested()
    {
        var tests = File.ReadAllText(Path.Combine(MonitoringFiles.Folder, "rules.test.yaml"));
        foreach (Match alert in AlertName().Matches(MonitoringFiles.Rules))
            Assert.Matches($@"alertname: {alert.Groups["name"].Value}\s+exp_alerts:\s+- exp_labels", tests);
    }

    /// <summary>As forges make it: small letters, spaces as hyphens, no other signs.</summary>
    private static string AnchorOf(string heading) =>
        string.Concat(heading.TrimStart('#').Trim().ToLowerInvariant().Where(letter => char.IsLetterOrDigit(letter) || letter is ' ' or '-' or '_')).Replace(' ', '-');

    [GeneratedRegex(@"runbook_url: docs/operations\.md#(?<anchor>\S+)")]
    private static partial Regex RunbookLink();

    [GeneratedRegex(@"- alert: (?<name>\w+)")]
    private static partial Regex AlertName();
}
