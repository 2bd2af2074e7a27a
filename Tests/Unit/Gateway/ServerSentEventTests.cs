using System.Text;
using Emu3.Gateway;
using Emu3.Gateway.Endpoints;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Gateway;

[Trait("Suite", "Fast")]
public sealed class ServerSentEventTests
{
    [Fact]
    public void Format_WithIdAndType_IsOneEvent() => Assert.Equal(
        "id: 3.0.7\nevent: item\ndata: {\"a\":\"two\\nlines\"}\n\n",
        Encoding.UTF8.GetString(ServerSentEvents.Format(ServerSentEvent.Of(new { A = "two\nlines" }, "item", "3.0.7"))));

    [Fact]
    public void Format_WithoutIdAndType_IsAsOpenAiWritesIt() =>
        Assert.Equal("data: [DONE]\n\n", Encoding.UTF8.GetString(ServerSentEvents.Format(new("[DONE]"u8.ToArray()))));

    [Theory]
    [InlineData("", true, 0)]
    [InlineData("3:640", true, 640)]
    [InlineData("640", false, 0)]
    [InlineData("a:1", false, 0)]
    [InlineData("1:-1", false, 0)]
    [InlineData("1:1:1", false, 0)]
    [InlineData("1:99999999999", false, 0)]
    public void TryParseOffset_Text_IsReadOrRefused(string text, bool isOffset, int expected)
    {
        Assert.Equal(isOffset, JobEvents.TryParseOffset(text, out var offset));
        if (isOffset) Assert.Equal(expected, offset);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("0.256.3", true)]
    [InlineData("257", true)] // items that were begun anew have ended more than once
    [InlineData("9999999999", false)]
    [InlineData("1..2", false)]
    [InlineData("-1", false)]
    [InlineData("x", false)]
    public void JobCursor_Text_IsReadOrRefused(string text, bool isCursor)
    {
        Assert.Equal(isCursor, JobCursor.TryParse(text, out var cursor));
        if (isCursor) Assert.Equal(text, cursor.ToString());
    }
}
