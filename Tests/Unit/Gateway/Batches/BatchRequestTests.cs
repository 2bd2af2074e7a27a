using System.Text.Json;
using Emu3.Gateway.Batches;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Tests.Unit.Gateway.Batches;

[Trait("Suite", "Fast")]
public sealed class BatchRequestTests
{
    private const string File = "file-0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("1h", 1)]
    [InlineData("24h", 24)]
    [InlineData("7d", 168)]
    [InlineData("60d", 1440)]
    [InlineData("0h", null)]
    [InlineData("61d", null)]
    [InlineData("9999h", null)]
    [InlineData("24", null)]
    [InlineData("h", null)]
    [InlineData("-1h", null)]
    [InlineData("1.5h", null)]
    [InlineData("24H", null)]
    [InlineData("99999999999h", null)]
    public void Window_IsHoursOrDays(string text, int? hours)
    {
        Assert.Equal(hours is not null, CompletionWindow.TryParse(text, out var window));
        if (hours is { } number) Assert.Equal(TimeSpan.FromHours(number), window);
    }

    [Theory]
    [InlineData("""{"input_file_id":"file-x","endpoint":"/v1/images/generations","completion_window":"24h"}""", "input_file_id")]
    [InlineData("""{"input_file_id":"../../x","endpoint":"/v1/images/generations","completion_window":"24h"}""", "input_file_id")]
    [InlineData("""{"input_file_id":"file-0123456789abcdef0123456789abcdef-output","endpoint":"/v1/images/generations","completion_window":"24h"}""", "input_file_id")]
    [InlineData("""{"endpoint":"/v1/images/generations","completion_window":"24h"}""", "input_file_id")]
    [InlineData("""{"input_file_id":"file-0123456789abcdef0123456789abcdef","endpoint":"/v1/embeddings","completion_window":"24h"}""", "endpoint")]
    [InlineData("""{"input_file_id":"file-0123456789abcdef0123456789abcdef","endpoint":"/v1/images/generations"}""", "completion_window")]
    [InlineData("""{"input_file_id":"file-0123456789abcdef0123456789abcdef","endpoint":"/v1/images/generations","completion_window":"soon"}""", "completion_window")]
    [InlineData("""{"input_file_id":"file-0123456789abcdef0123456789abcdef","endpoint":"/v1/images/generations","completion_window":"24h","priority":1}""", "priority")]
    [InlineData("""{"input_file_id":"file-0123456789abcdef0123456789abcdef","endpoint":"/v1/images/generations","completion_window":"24h","output_expires_after":{"anchor":"now","seconds":3600} }""", "output_expires_after.anchor")]
    [InlineData("""{"input_file_id":"file-0123456789abcdef0123456789abcdef","endpoint":"/v1/images/generations","completion_window":"24h","output_expires_after":{"seconds":3600} }""", "output_expires_after.anchor")]
    [InlineData("""{"input_file_id":"file-0123456789abcdef0123456789abcdef","endpoint":"/v1/images/generations","completion_window":"24h","output_expires_after":{"anchor":"created_at","seconds":60} }""", "output_expires_after.seconds")]
    [InlineData("""{"input_file_id":"file-0123456789abcdef0123456789abcdef","endpoint":"/v1/images/generations","completion_window":"24h","output_expires_after":{"anchor":"created_at"} }""", "output_expires_after.seconds")]
    [InlineData("""{"input_file_id":"file-0123456789abcdef0123456789abcdef","endpoint":"/v1/images/generations","completion_window":"24h","output_expires_after":3600 }""", "output_expires_after")]
    public void Body_ThatIsWrong_NamesItsField(string body, string param)
    {
        var errors = new List<ItemError>();
        using var document = JsonDocument.Parse(body);

        Assert.Null(BatchRequest.Read(document.RootElement, errors));
        Assert.Equal(param, Assert.Single(errors).Param);
    }

    [Fact]
    public void Output_MayExpire()
    {
        using var document = JsonDocument.Parse($$$"""{"input_file_id":"{{{File}}}","endpoint":"/v1/images/generations","completion_window":"24h","output_expires_after":{"anchor":"created_at","seconds":7200}}""");
        Assert.Equal(TimeSpan.FromHours(2), BatchRequest.Read(document.RootElement, [])!.OutputLife);
    }

    [Theory]
    [InlineData(File, null, null)]
    [InlineData(File + "-output", "batch_0123456789abcdef0123456789abcdef", null)]
    [InlineData(File + "-errors", "batch_0123456789abcdef0123456789abcdef", null)]
    [InlineData(File + "-0", "batch_0123456789abcdef0123456789abcdef", 0)]
    [InlineData(File + "-49999", "batch_0123456789abcdef0123456789abcdef", 49999)]
    public void FileId_SaysWhoseItIs(string text, string? batch, int? item)
    {
        Assert.True(FileId.TryParse(text, out var id));
        Assert.Equal((batch, item), (id.Batch?.Value, id.Item));
    }

    [Theory]
    [InlineData(File + "-")]
    [InlineData(File + "-01")]
    [InlineData(File + "-99999999")]
    [InlineData(File + "-outputs")]
    [InlineData(File + "/x")]
    [InlineData("file-0123456789ABCDEF0123456789ABCDEF")]
    [InlineData("file-..")]
    [InlineData("")]
    public void FileId_OfAnotherForm_IsNone(string text) => Assert.False(FileId.TryParse(text, out _));

    [Fact]
    public void BatchId_AndItsJob_GiveEachOther()
    {
        var id = BatchId.Draw();
        Assert.True(BatchId.TryParse(id.Value, out _));
        Assert.True(JobId.TryParse(id.Job.Value, out _));
        Assert.Equal(id, BatchId.Of(id.Job));
        Assert.False(BatchId.TryParse(id.Job.Value, out _));
    }
}
