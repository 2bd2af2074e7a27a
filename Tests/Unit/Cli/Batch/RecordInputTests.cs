using Emu3.Cli;
using Emu3.Cli.Batch;
using Emu3.Cli.Batch.Plan;
using Emu3.Inference.Vision;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Cli.Batch;

/// <summary>A <c>metadata.jsonl</c> that was written is an input that makes the same again.</summary>
[Trait("Suite", "Fast")]
public sealed class RecordInputTests : IDisposable
{
    private const string Line = """
        {"file_name":"1-7.png","text":"a red star","prompt":"a red star","id":"1","sample":0,"seed":"7","negative_prompt":"lowres","guidance_scale":1.5,"temperature":0.7,"top_k":64,"top_p":1,"width":64,"height":48,"format":"webp","file_sha256":"9a","tokens_sha256":"de","generated_tokens":75,"numeric_class":"emu3","reproducible":true,"spec":"cb"}
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _out = new();
    private readonly StringWriter _error = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_RecordOfAPicture_AsksForAllThatItsDrawDependsOn() => Assert.Equal(
        """{"id":"1","seed":"7","temperature":0.7,"top_k":64,"top_p":1,"prompt":"a red star","negative_prompt":"lowres","guidance_scale":1.5,"sample":0,"prompt_suffix":"","ratio":"64:48","area":3072,"output_format":"webp"}""",
        Assert.Single(InputReader.Read(Line, "metadata.jsonl", InputFormat.Auto)).Json);

    [Theory]
    [InlineData("\"width\":64,", "", "without the width and height")]
    [InlineData("\"prompt\":\"a red star\",", "", null)] // an answer, about the picture that it names
    public void Read_RecordWithoutAPart_SaysWhatIsMissing(string part, string instead, string? error)
    {
        var line = Assert.Single(InputReader.Read(Line.Replace(part, instead, StringComparison.Ordinal), "metadata.jsonl", InputFormat.Auto));
        if (error is null)
            Assert.Contains("\"image\":\"1-7.png\"", line.Json);
        else
            Assert.Contains(error, line.Error);
    }

    [Fact]
    public void Read_AnswerWithoutItsPicture_IsRefused()
    {
        const string answer = """{"text":"A star.","question":"What?","id":"a","sample":0,"seed":"1","tokens_sha256":"t","spec":"s"}""";
        Assert.Contains("does not name the picture", Assert.Single(InputReader.Read(answer, "metadata.jsonl", InputFormat.Auto)).Error);
    }

    [Fact]
    public async Task Run_MetadataOfABatch_MakesTheSameAgain()
    {
        await using var gateway = await FakeGateway.StartAsync();
        File.WriteAllBytes(_folder.PathTo("p.png"), PictureFiles.Encode(new(4, 4, new byte[48]), PictureFormat.Png));
        File.WriteAllText(_folder.PathTo("in.jsonl"), """
            {"id":"star","prompt":"a red star","n":3,"negative_prompt":"blur","temperature":0.5}
            {"id":"wide","prompt":"a ring","ratio":"4:3","guidance_scale":2}
            {"id":"jpeg","prompt":"a heart","output_format":"jpeg","prompt_suffix":" in a field"}
            {"id":"ask","image":"p.png","question":"What?","stop":["."]}
            {"id":"both","image":["p.png","p.png"],"question":"Which?"}
            """);
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, _folder.PathTo("in.jsonl"), _folder.PathTo("first")));
        Assert.Equal(ExitCode.AllDone, await RunAsync(gateway, _folder.PathTo("first", "metadata.jsonl"), _folder.PathTo("second")));
        Assert.Equal(AppendedLines.Peek(_folder.PathTo("first", "metadata.jsonl")), AppendedLines.Peek(_folder.PathTo("second", "metadata.jsonl")));
        Assert.Equal(7, AppendedLines.Peek(_folder.PathTo("second", "metadata.jsonl")).Count);
    }

    private Task<int> RunAsync(FakeGateway gateway, string input, string output) => CommandLine.RunAsync(
        ["batch", input, "--out", output, "--server", gateway.Address.ToString()],
        new() { Out = _out, Error = _error, OpenInput = () => Stream.Null, IsLive = false, Time = TimeProvider.System }, TestContext.Current.CancellationToken);
}
