using System.Text.RegularExpressions;

namespace Emu3.Tests.Cluster;

/// <summary>OpenAI's own client for Node, unmodified, against a running gateway: a test for each check of <c>Tests/Node/openai.mjs</c>.</summary>
[Trait("Suite", "Cluster")]
public sealed partial class NodeClientTests(NodeRun run) : IClassFixture<NodeRun>
{
    public static TheoryData<string> Checks =>
        [.. CheckName().Matches(File.ReadAllText(Repository.PathTo("Tests", "Node", "openai.mjs"))).Select(match => match.Groups[1].Value)];

    [Theory]
    [MemberData(nameof(Checks))]
    public void Client_Call_GivesWhatItExpects(string check)
    {
        Assert.SkipWhen(run.Missing is not null, run.Missing ?? "");
        Assert.True(run.ErrorOf(check) is null, run.ErrorOf(check));
    }

    /// <summary>The lock file works with whatever registry npm is set up for.</summary>
    [Fact]
    public void LockFile_NamesNoRegistry() =>
        Assert.DoesNotContain("://", File.ReadAllText(Repository.PathTo("Tests", "Node", "package-lock.json")), StringComparison.Ordinal);

    [GeneratedRegex("^await check\\('([^']+)'", RegexOptions.Multiline)]
    private static partial Regex CheckName();
}
