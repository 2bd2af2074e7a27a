using System.Text;
using Emu3.Gateway.Batches;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Tests.Unit.Gateway.Batches;

[Trait("Suite", "Fast")]
public sealed class BatchCheckTests
{
    private const string Good = """{"custom_id":"a","method":"POST","url":"/v1/images/generations","body":{"model":"fake","prompt":"p"}}""";

    [Fact]
    public void Lines_ThatAreRight_HaveNoErrors_AndTellTheModel()
    {
        var check = Check(Good, Good.Replace("\"a\"", "\"b\"", StringComparison.Ordinal));

        Assert.Empty(check.Errors);
        Assert.Equal((2, "fake"), (check.LineCount, check.Model));
        Assert.Empty(check.InlineItems);
    }

    [Theory]
    [InlineData("{", "invalid_json_line", null)]
    [InlineData("[1]", "invalid_json_line", null)]
    [InlineData("""{"method":"POST","url":"/v1/images/generations","body":{}}""", "missing_required_parameter", "custom_id")]
    [InlineData("""{"custom_id":"a","method":"POST","url":"/v1/images/generations","body":{}}""", "duplicate_custom_id", "custom_id")]
    [InlineData("""{"custom_id":"b","method":"GET","url":"/v1/images/generations","body":{}}""", "invalid_method", "method")]
    [InlineData("""{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":{}}""", "invalid_url", "url")]
    [InlineData("""{"custom_id":"b","method":"POST","url":"/v1/images/generations"}""", "missing_required_parameter", "body")]
    [InlineData("""{"custom_id":"b","method":"POST","url":"/v1/images/generations","body":{"n":11}}""", "invalid_value", "body.n")]
    public void Line_ThatIsWrong_IsNamedWithItsFieldAndCode(string line, string code, string? param)
    {
        var error = Assert.Single(Check(Good, line).Errors);

        Assert.Equal((code, 2, param), (error.Code, error.Line, error.Param));
    }

    [Fact]
    public void Lines_TellTheirIds_AndAllModels()
    {
        var check = Check("{", Good, Good.Replace("\"a\"", "\"b\"", StringComparison.Ordinal).Replace("fake", "other", StringComparison.Ordinal), """{"custom_id":"c","body":{"model":"fake"}}""");
        Assert.Equal([null, "a", "b", "c"], Enumerable.Range(1, 4).Select(check.IdOf));
        Assert.Equal(["fake", "other"], check.Models);
        check.LeaveOut(new HashSet<int> { 1, 4 });
        Assert.Equal([0, 1, 1, 0], check.SampleCounts);
    }

    [Fact]
    public void File_WithoutLines_IsAnError() => Assert.Equal("empty_file", Assert.Single(Check().Errors).Code);

    [Fact]
    public void Pictures_ThatAreAskedForAsBase64_AreRemembered()
    {
        var check = new BatchCheck(BatchRequest.Images);
        for (var item = 0; item < 40; item++)
        {
            var format = item % 7 == 3 ? ",\"response_format\":\"b64_json\"" : "";
            check.Add(Encoding.UTF8.GetBytes($$$"""{"custom_id":"{{{item}}}","method":"POST","url":"/v1/images/generations","body":{"prompt":"p"{{{format}}} }}"""));
        }

        var info = BatchStateTests.Info(BatchStage.Accepted) with { InlineItems = check.InlineItems };
        Assert.Equal([3, 10, 17, 24, 31, 38], Enumerable.Range(0, 100).Where(info.IsInline));
    }

    [Fact]
    public void Lines_BeyondTheMost_AreOneErrorOfTheBatch()
    {
        var check = new BatchCheck(BatchRequest.Images);
        for (var line = 0; line <= BatchCheck.MaxLines; line++)
            check.Add(Encoding.UTF8.GetBytes($$$"""{"custom_id":"{{{line}}}","method":"POST","url":"/v1/images/generations","body":{}}"""));

        Assert.True(check.IsTooLong);
        Assert.Equal("too_many_lines", Assert.Single(check.Errors).Code);
    }

    [Fact]
    public void Merge_TellsEachFieldOfALineOnce_InTheOrderOfLines()
    {
        var merged = BatchCheck.Merge(
            [new("invalid_json_line", 4, "broken", null), new("duplicate_custom_id", 2, "custom_id: is that of line 1", "custom_id")],
            [new LineError(4, "", "is no JSON"), new LineError(2, "id", "is there"), new LineError(1, "body.prompt", "is missing."), new LineError(2, "body.seed", "is wrong.")]);

        Assert.Equal([(1, "body.prompt"), (2, "custom_id"), (2, "body.seed"), (4, null)], merged.Select(error => (error.Line!.Value, error.Param)));
    }

    private static BatchCheck Check(params string[] lines)
    {
        var check = new BatchCheck(BatchRequest.Images);
        foreach (var line in lines) check.Add(Encoding.UTF8.GetBytes(line));
        return check;
    }
}
