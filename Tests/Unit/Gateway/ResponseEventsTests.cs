using Emu3.Gateway.Contracts;
using Emu3.Gateway.Endpoints;

namespace Emu3.Tests.Unit.Gateway;

/// <summary>Events of a streamed response, as OpenAI's clients expect them: names, order, numbers.</summary>
[Trait("Suite", "Fast")]
public sealed class ResponseEventsTests
{
    private static readonly ResponseAnswer s_begun = new()
    {
        Id = "resp_1",
        CreatedAt = 1,
        MaxOutputTokens = 9,
        Model = "m",
        Temperature = 0,
        TopP = 1,
        Metadata = new Dictionary<string, string>(),
    };

    private readonly ResponseEvents _events = new(s_begun, "msg_1");

    [Theory]
    [InlineData(ResponseStatus.Completed, "response.completed")]
    [InlineData(ResponseStatus.Incomplete, "response.incomplete")]
    public void Events_OfAnAnswer_ComeInOpenAisOrder_NumberedFromZero(string status, string last)
    {
        var ended = s_begun with { Status = status, Output = [new("msg_1", status, [new("Hi you")])] };
        ResponseEvent[] told = [.. _events.Begin(), .. _events.Add("Hi"), .. _events.Add(" you"), .. _events.Complete(ended)];

        Assert.Equal(
            ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added", "response.output_text.delta", "response.output_text.delta",
                "response.output_text.done", "response.content_part.done", "response.output_item.done", last],
            told.Select(one => one.Type));
        Assert.Equal(Enumerable.Range(0, told.Length), told.Select(one => one.SequenceNumber));
        Assert.Equal("Hi you", string.Concat(told.Select(one => one.Delta)));
        Assert.Equal(("Hi you", "Hi you"), (told[6].Text, told[7].Part!.Text));
        Assert.Equal((ended, ended.Output[0]), (told[9].Response, told[8].Item));
        Assert.All(told[3..8], one => Assert.Equal(("msg_1", 0, 0), (one.ItemId, one.OutputIndex, one.ContentIndex)));
    }

    [Fact]
    public void Events_OfAnEmptyAnswer_HaveAMessageAllTheSame()
    {
        var told = _events.Complete(s_begun with { Output = [new("msg_1", ResponseStatus.Completed, [new("")])] }).ToList();
        Assert.Equal(["response.output_item.added", "response.content_part.added", "response.output_text.done"], told.Take(3).Select(one => one.Type));
    }

    [Fact]
    public void Events_OfAFailure_EndWithIt()
    {
        ResponseEvent[] told = [.. _events.Begin(), .. _events.Add("Hi"), _events.Fail(new("server_error", "The engine broke."))];
        Assert.Equal(("response.failed", 5, ResponseStatus.Failed), (told[^1].Type, told[^1].SequenceNumber, told[^1].Response!.Status));
        Assert.Equal("The engine broke.", told[^1].Response!.Error!.Message);
    }
}
