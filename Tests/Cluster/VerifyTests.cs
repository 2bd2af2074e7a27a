using System.Text.Json.Nodes;
using Emu3.Cli;
using Emu3.Inference;
using Emu3.Inference.Vision;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary><c>emu3 verify</c> over a real silo and gateway in this process: what was made by one engine is made again by another.</summary>
[Trait("Suite", "Cluster")]
public sealed class VerifyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Verify_OfWhatIsTheSame_IsContent_AndWritesNothing()
    {
        await BatchAsync("--size", "64x64");
        var before = Snapshot();
        var verified = await RunAsync(new(), "verify", _folder.PathTo("out"), "--sample", "100%");
        Assert.True(verified.ExitCode == ExitCode.AllDone, verified.Text);
        Assert.Contains("27 made again: 27 equal, 0 different.", verified.Text, StringComparison.Ordinal);
        Assert.Equal(before, Snapshot());
        var other = await RunAsync(new(), "verify", _folder.PathTo("out"), "--sample", "3", "--seed", "5");
        Assert.Contains("Making 3 of 27 pictures again (--seed 5 chooses the same).", other.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_NamesTheTokenThatDiffers_AndTheDevices()
    {
        await BatchAsync();
        var verified = await RunAsync(new() { Corrupt = (request, index, token) => index == 20 && request.Seed % 2 == 0 ? token ^ 1 : token }, "verify", _folder.PathTo("out"), "--sample", "100%");
        Assert.Equal(ExitCode.SomeFailed, verified.ExitCode);
        Assert.Contains("differs at token 20: expected ", verified.Text, StringComparison.Ordinal);
        Assert.Contains($"Made by {Environment.MachineName}/cpu, again by {Environment.MachineName}/cpu, in numeric class \"fake class\".", verified.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("27 equal", verified.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_InAnotherNumericClass_SaysSo_AndIsContent()
    {
        await BatchAsync();
        var verified = await RunAsync(new() { NumericClass = "new class", Corrupt = (_, _, token) => token ^ 1 }, "verify", _folder.PathTo("out"), "--sample", "2");
        Assert.True(verified.ExitCode == ExitCode.AllDone, verified.Text);
        Assert.Contains("0 equal, 0 different, 2 of another or no reproducible numeric class", verified.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_WithoutRecipes_OrOfOtherWeights_IsRefused()
    {
        await BatchAsync("--no-metadata");
        var without = await RunAsync(new(), "verify", _folder.PathTo("out"), "--sample", "2");
        Assert.Equal(ExitCode.BadInput, without.ExitCode);
        Assert.Contains("has no recipe in it", without.Text, StringComparison.Ordinal);
        await BatchAsync("--overwrite");
        var others = await RunAsync(new() { WeightsHash = new('e', 64) }, "verify", _folder.PathTo("out"), "--sample", "2");
        Assert.Equal(ExitCode.BadInput, others.ExitCode);
        Assert.Contains("and 1 more came from other weights (fake, ffff", others.Text, StringComparison.Ordinal);
        var nothing = await RunAsync(new(), "verify", _folder.PathTo("elsewhere"));
        Assert.Equal(ExitCode.BadInput, nothing.ExitCode);
    }

    [Fact]
    public async Task Pictures_AreTheSameBytesInEveryFormat_AndHoldTheirTokens()
    {
        foreach (var format in (string[])["png", "jpeg", "webp"])
        {
            await BatchAsync(["--format", format], $"{format} 1");
            await BatchAsync(["--format", format], $"{format} 2");
            var files = Directory.GetFiles(_folder.PathTo($"{format} 1")).Where(file => Path.GetExtension(file) is ".png" or ".jpg" or ".jpeg" or ".webp").ToList();
            Assert.Equal(27, files.Count);
            foreach (var file in files)
            {
                Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(_folder.PathTo($"{format} 2"), Path.GetFileName(file))));
                var recipe = JsonNode.Parse(PictureMetadata.Read(File.ReadAllBytes(file))!)!;
                Assert.Equal(
                    ((recipe["latent_width"]!.GetValue<int>() + 1) * recipe["latent_height"]!.GetValue<int>()) + 3, Grains.Interfaces.PackedTokens.Read(recipe["tokens"]!.ToString())!.Length);
            }
        }
    }

    private Task BatchAsync(params string[] more) => BatchAsync(more, "out");

    private async Task BatchAsync(string[] more, string folder)
    {
        var made = await RunAsync(new(), ["batch", Repository.PathTo("examples", "shapes.jsonl"), "--out", _folder.PathTo(folder), "--seed", "7", .. more]);
        Assert.True(made.ExitCode == ExitCode.AllDone, made.Text);
    }

    private Dictionary<string, DateTime> Snapshot() => Directory.EnumerateFiles(_folder.PathTo("out"), "*", SearchOption.AllDirectories)
        .ToDictionary(file => file, File.GetLastWriteTimeUtc);

    private async Task<(int ExitCode, string Text)> RunAsync(FakeEngineOptions engine, params string[] arguments)
    {
        var text = new StringWriter();
        var exitCode = await CommandLine.RunAsync([.. arguments, "--data", _folder.PathTo("data")], new()
        {
            Out = TextWriter.Synchronized(text),
            Error = TextWriter.Synchronized(text),
            OpenInput = () => Stream.Null,
            IsLive = false,
            Time = TimeProvider.System,
            LoadEngine = (_, _, _, _) => Task.FromResult<IEngine>(new FakeEngine(engine)),
        }, Cancellation);
        return (exitCode, text.ToString());
    }
}
