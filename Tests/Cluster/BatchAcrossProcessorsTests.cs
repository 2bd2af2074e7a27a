using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Emu3.Cli;
using Emu3.Cli.Batch;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>
/// A batch moves from one processor to another: begun where only the portable kernels run, killed, finished with AVX2, and checked with all instructions.
/// Variables of .NET take instructions away from a process as if its processor lacked them.
/// </summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed partial class BatchAcrossProcessorsTests(ITestOutputHelper output) : IDisposable
{
    private const int Count = 8;

    // More than one picture goes on inside.
    private const int SavedCount = 3;

    private static readonly Dictionary<string, string> s_portable = new() { ["DOTNET_EnableAVX2"] = "0" };
    private static readonly Dictionary<string, string> s_avx2 = new() { ["DOTNET_EnableAVX512"] = "0" };
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Batch_KilledOnOneProcessor_EndsOnAnotherAsAnUndisturbedRun_AndIsVerified()
    {
        File.WriteAllLines(_folder.PathTo("prompts.jsonl"), File.ReadLines(Repository.PathTo("examples", "shapes.jsonl")).Take(Count));
        await RunAsync(Arguments("undisturbed"));
        await using (var begun = EmuProcess.Start(s_portable, Arguments("moved")))
        {
            await SavedTokensAsync(begun);
            Assert.True(await begun.KillAsync(), begun.Text);
        }
        await using (var finished = EmuProcess.Start(s_avx2, Arguments("moved")))
        {
            Assert.True(await finished.EndAsync(Cancellation) == 0, finished.Text);
            output.WriteLine(finished.Text);
            Assert.Matches(ResumedInside(), finished.Text);
        }
        AssertSameFiles();

        var verified = await RunAsync(["verify", _folder.PathTo("moved"), "--sample", "100%", "--data", _folder.PathTo("data-moved")]);
        Assert.Contains($"{Count} made again: {Count} equal, 0 different.", verified, StringComparison.Ordinal);
    }

    private string[] Arguments(string name) =>
        ["batch", _folder.PathTo("prompts.jsonl"), "--seed", "7", "--out", _folder.PathTo(name), "--data", _folder.PathTo($"data-{name}")];

    /// <summary>In this process, with all instructions of this processor.</summary>
    private static async Task<string> RunAsync(string[] arguments)
    {
        var text = new StringWriter();
        var exitCode = await CommandLine.RunAsync(arguments, new()
        {
            Out = TextWriter.Synchronized(text),
            Error = TextWriter.Synchronized(text),
            OpenInput = () => Stream.Null,
            IsLive = false,
            Time = TimeProvider.System,
        }, Cancellation);
        Assert.True(exitCode == ExitCode.AllDone, text.ToString());
        return text.ToString();
    }

    /// <summary>Completes when tokens of pictures that are being drawn are in the blob store.</summary>
    private async Task SavedTokensAsync(EmuProcess emu)
    {
        var (saved, ended) = (_folder.PathTo("data-moved", "blobs", "ckpt"), emu.EndAsync(Cancellation));
        while (!Directory.Exists(saved) || Directory.EnumerateFiles(saved, "*", SearchOption.AllDirectories).Count() < SavedCount)
        {
            Assert.False(ended.IsCompleted, $"It ended before any tokens were saved: {emu.Text}");
            await Task.Delay(10, Cancellation);
        }
    }

    private void AssertSameFiles()
    {
        var expected = Records("undisturbed");
        Assert.Equal(Count, expected.Count);
        Assert.Equal(expected.Select(record => record.ToJsonString()), Records("moved").Select(record => record.ToJsonString()));
        Assert.All(expected.Select(record => record["file_name"]!.ToString()), name =>
            Assert.Equal(File.ReadAllBytes(_folder.PathTo("undisturbed", name)), File.ReadAllBytes(_folder.PathTo("moved", name))));
    }

    private List<JsonNode> Records(string name) => [.. AppendedLines.Peek(_folder.PathTo(name, "metadata.jsonl")).Select(line => JsonNode.Parse(line)!)];

    [GeneratedRegex(@"[1-9]\d* of them went on inside")]
    private static partial Regex ResumedInside();
}
