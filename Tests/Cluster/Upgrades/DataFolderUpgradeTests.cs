using System.Text.RegularExpressions;
using Emu3.Cli.Batch;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster.Upgrades;

/// <summary>A data folder and an output folder of the previous release, opened by this one.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed partial class DataFolderUpgradeTests(ITestOutputHelper output) : IDisposable
{
    private const int Count = 6;

    private const string Size = "128x128";

    // Tokens are saved once a second: with all its instructions a machine may have drawn a picture before.
    private static readonly Dictionary<string, string> s_slowly = new() { ["DOTNET_EnableAVX2"] = "0" };

    // More than one picture goes on inside. Two at least are drawn at once on any machine.
    private const int SavedCount = 2;

    private static readonly Dictionary<string, string> s_nothing = [];
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Batch_KilledInThePreviousRelease_GoesOnInsideItsPicturesInThisOne_AndIsWhatThatOneGives()
    {
        var (programs, refusal) = await PreviousRelease.ProgramsAsync();
        Assert.SkipWhen(programs is null, refusal ?? "");
        await File.WriteAllLinesAsync(_folder.PathTo("prompts.jsonl"), File.ReadLines(Repository.PathTo("examples", "shapes.jsonl")).Take(Count), Cancellation);
        await using (var undisturbed = EmuProcess.StartFrom(programs!, s_nothing, Arguments("undisturbed")))
            Assert.True(await undisturbed.EndAsync(Cancellation) == 0, undisturbed.Text);

        await using (var begun = EmuProcess.StartFrom(programs!, s_slowly, Arguments("moved")))
        {
            var (saved, ended) = (_folder.PathTo("data-moved", "blobs", "ckpt"), begun.EndAsync(Cancellation));
            await Eventually.TrueAsync("tokens of pictures that are being drawn are saved", () =>
            {
                Assert.False(ended.IsCompleted, $"It ended before any tokens were saved: {begun.Text}");
                return Directory.Exists(saved) && Directory.EnumerateFiles(saved, "*", SearchOption.AllDirectories).Count() >= SavedCount;
            });
            Assert.True(await begun.KillAsync(), begun.Text);
        }

        await using var finished = EmuProcess.Start(Arguments("moved"));
        Assert.True(await finished.EndAsync(Cancellation) == 0, finished.Text);
        output.WriteLine(finished.Text);
        Assert.Matches(ResumedInside(), finished.Text);
        Assert.Equal(Count, Files("undisturbed").Count);
        Assert.Equal(Files("undisturbed"), Files("moved"));

        // All is done: this release finds nothing new and nothing changed in what the previous one has written.
        await using var again = EmuProcess.Start(Arguments("undisturbed"));
        Assert.True(await again.EndAsync(Cancellation) == 0, again.Text);
        Assert.Contains($"{Count} done, 0 new, 0 changed", again.Text, StringComparison.Ordinal);
    }

    private string[] Arguments(string name) =>
        ["batch", _folder.PathTo("prompts.jsonl"), "--seed", "7", "--size", Size, "--model", Repository.PathTo("models", "emu3-tiny"), "--out", _folder.PathTo(name), "--data", _folder.PathTo($"data-{name}")];

    /// <summary>The records of a folder, and the hashes of their files.</summary>
    private List<string> Files(string name) =>
        [.. AppendedLines.Peek(_folder.PathTo(name, "metadata.jsonl")).Order(StringComparer.Ordinal).Select(record =>
            $"{record} {Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(_folder.PathTo(name, System.Text.Json.Nodes.JsonNode.Parse(record)!["file_name"]!.ToString()))))}")];

    [GeneratedRegex(@"[1-9]\d* of them went on inside")]
    private static partial Regex ResumedInside();
}
