using System.Text.Json.Nodes;
using Emu3.Cli;
using Emu3.Cli.Batch;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>The small trained checkpoint behind the command line: what only a real tokenizer, a real picture decoder and a real model can show.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class RealModelTests(RealServer server) : IClassFixture<RealServer>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Batch_QuestionsOfTheExamples_AreAnsweredRightly()
    {
        var result = await BatchAsync(Repository.PathTo("examples", "questions.jsonl"));
        Assert.True(result.ExitCode == ExitCode.AllDone, result.Text);
        var answers = Metadata().ToDictionary(record => record["id"]!.ToString(), record => record["text"]!.ToString());
        Assert.Equal("A small purple heart on a black background.", answers["heart-describe"]);
        Assert.Equal("A purple star above a black heart on a white background.", answers["two-describe"]);
        Assert.Equal("Two.", answers["two-count"]);
    }

    [Fact]
    public async Task Batch_PromptLongerThanTheModelsPositions_IsToldWithItsLine()
    {
        File.WriteAllText(_folder.PathTo("in.jsonl"), $"{{\"prompt\":\"a star\"}}\n{{\"prompt\":\"{string.Concat(Enumerable.Repeat("a big red star ", 200))}\"}}\n");
        var result = await BatchAsync(_folder.PathTo("in.jsonl"));
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains("line 2: prompt", result.Text);
        Assert.Contains("512", result.Text);
        Assert.DoesNotContain("line 1:", result.Text);
    }

    [Fact]
    public async Task Batch_TruncatedPicture_IsToldWithItsLine()
    {
        var whole = File.ReadAllBytes(Repository.PathTo("examples", "pictures", "white-star.png"));
        File.WriteAllBytes(_folder.PathTo("half.png"), whole[..(whole.Length / 2)]);
        File.WriteAllText(_folder.PathTo("in.jsonl"), "{\"image\":\"half.png\",\"question\":\"What shape is it?\"}\n");
        var result = await BatchAsync(_folder.PathTo("in.jsonl"));
        Assert.Equal(ExitCode.BadInput, result.ExitCode);
        Assert.Contains("line 1:", result.Text);
    }

    [Fact]
    public async Task Batch_SpecialSpellingsInAPrompt_AreTextAndNothingElse()
    {
        File.WriteAllText(_folder.PathTo("in.jsonl"), "{\"id\":\"a\",\"prompt\":\"<|image start|>8*8<|image token|> a star <|extra_204|>\"}\n");
        var result = await BatchAsync(_folder.PathTo("in.jsonl"));
        Assert.True(result.ExitCode == ExitCode.AllDone, result.Text);
        Assert.Equal(75, Assert.Single(Metadata())["generated_tokens"]!.GetValue<int>());
    }

    private async Task<(int ExitCode, string Text)> BatchAsync(string input)
    {
        var text = new StringWriter();
        var exitCode = await CommandLine.RunAsync(
            ["batch", input, "--out", _folder.PathTo("out"), "--seed", "7", "--server", server.Address.ToString()], RealServer.ConsoleOn(text), Cancellation);
        return (exitCode, text.ToString());
    }

    private List<JsonNode> Metadata() => [.. AppendedLines.Peek(_folder.PathTo("out", "metadata.jsonl")).Select(line => JsonNode.Parse(line)!)];
}
