using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Emu3.Tests.Deployment;

/// <summary>
/// The commands of the README's section Deploy and of docs/kubernetes.md. Each is one of three: run here, as far as it goes without a cluster; one whose work
/// other tests do on the same files; or one that says that no test runs it.
/// </summary>
[Trait("Suite", "Fast")]
public sealed partial class DocumentedCommandsTests
{
    private const string NotRun = "# not run by the tests";

    public static TheoryData<string> Commands => [.. All()];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Command_IsRun_OrSaysThatItIsNot(string command)
    {
        if (command.Contains(NotRun, StringComparison.Ordinal)) return;
        if (Apply().Match(command) is { Success: true } apply) Assert.Contains(apply.Groups["folder"].Value, Kubectl.Overlays);
        else if (command.StartsWith("make ", StringComparison.Ordinal)) Assert.Contains(File.ReadLines(Repository.PathTo("Makefile")), line => line.StartsWith(command["make ".Length..] + ":", StringComparison.Ordinal));
        else if (Secret().Match(command) is { Success: true } secret) await MakesWhatManifestsNeed(command, secret.Groups["name"].Value);
        else Assert.Fail($"\"{command}\" is run by no test; say \"{NotRun}\" behind it, or run it here.");
    }

    [Fact]
    public void ReadMe_LeadsToARunningNamespace_InFiveCommands() =>
        Assert.InRange(Blocks(File.ReadAllText(Repository.PathTo("README.md")).Split("## Deploy")[1].Split("\n## ")[0]).Single().Count, 1, 5);

    /// <summary>Makes the secret as an object, and looks whether it has the files that the manifests name.</summary>
    private static async Task MakesWhatManifestsNeed(string command, string name)
    {
        var start = new ProcessStartInfo("bash", ["-c", $"{command} --dry-run=client --output=json"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(process.ExitCode == 127, "There is no kubectl on this machine: .ci/run installs it.");
        Assert.True(process.ExitCode == 0, await error);
        using var secret = JsonDocument.Parse(await output);
        Assert.Equal(Manifests.References.KeysMadeByHand(name), secret.RootElement.GetProperty("data").EnumerateObject().Select(entry => entry.Name).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> All()
    {
        var deploy = File.ReadAllText(Repository.PathTo("README.md")).Split("## Deploy")[1].Split("\n## ")[0];
        return Blocks(deploy).Concat(Blocks(File.ReadAllText(Repository.PathTo("docs", "kubernetes.md")))).SelectMany(block => block).Distinct();
    }

    private static IEnumerable<IReadOnlyList<string>> Blocks(string text) =>
        Block().Matches(text).Select(block => (IReadOnlyList<string>)[.. block.Groups["lines"].Value.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)]);

    [GeneratedRegex("```bash\n(?<lines>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^kubectl apply -k (?<folder>\S+)$")]
    private static partial Regex Apply();

    [GeneratedRegex(@"^kubectl -n emu3 create secret generic (?<name>\S+) ")]
    private static partial Regex Secret();
}
