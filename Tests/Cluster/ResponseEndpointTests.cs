using System.ClientModel;
using System.Text;
using System.Text.Json;
using Emu3.Tests.Fakes;
using Emu3.Tests.Unit.Grains.Interfaces.Requests;
using OpenAI.Responses;

#pragma warning disable OPENAI001, SCME0001 // the client calls its responses, and fields that it does not know, experimental

namespace Emu3.Tests.Cluster;

/// <summary><c>/v1/responses</c> with OpenAI's own client, unmodified.</summary>
[Trait("Suite", "Cluster")]
public sealed class ResponseEndpointTests(ResponseEndpointTests.Running running) : IClassFixture<ResponseEndpointTests.Running>
{
    private readonly ResponsesClient _client = ClientOf(running.Gateway);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CreateResponse_OfAText_GivesTheAnswer()
    {
        var response = (await _client.CreateResponseAsync("fake", "Hi", cancellationToken: Cancellation)).Value;
        Assert.Equal(ResponseStatus.Incomplete, response.Status); // the simulated model talks until it is stopped
        Assert.StartsWith("w0 w1 ", response.GetOutputText(), StringComparison.Ordinal);
        Assert.Equal(ResponseIncompleteStatusReason.MaxOutputTokens, response.IncompleteStatusDetails.Reason);
        Assert.Equal(("fake", response.Usage.InputTokenCount + response.Usage.OutputTokenCount), (response.Model, response.Usage.TotalTokenCount));
    }

    [Fact]
    public async Task CreateResponse_WithEverythingThatIsServed_GivesTheAnswer()
    {
        var response = (await _client.CreateResponseAsync(WithPicture(), Cancellation)).Value;
        Assert.Equal((ResponseStatus.Completed, "w0 w1 "), (response.Status, response.GetOutputText()));
        Assert.Equal("me", response.Metadata["who"]);
        Assert.Equal((3, 40), (response.Usage.OutputTokenCount, response.MaxOutputTokenCount));
        Assert.True(response.Usage.InputTokenCount > 9);
    }

    [Fact]
    public async Task CreateResponseStreaming_Answer_ComesInPieces_AndIsTheSame()
    {
        var options = WithPicture();
        options.StreamingEnabled = true;
        var (text, kinds, numbers) = (new StringBuilder(), new List<string>(), new List<int>());
        ResponseResult? completed = null;
        await foreach (var update in await _client.CreateResponseStreamingAsync(options, Cancellation))
        {
            numbers.Add(update.SequenceNumber);
            if (kinds.LastOrDefault() != update.GetType().Name) kinds.Add(update.GetType().Name);
            if (update is StreamingResponseOutputTextDeltaUpdate delta) text.Append(delta.Delta);
            if (update is StreamingResponseCompletedUpdate last) completed = last.Response;
        }

        Assert.Equal(
            [nameof(StreamingResponseCreatedUpdate), nameof(StreamingResponseInProgressUpdate), nameof(StreamingResponseOutputItemAddedUpdate), nameof(StreamingResponseContentPartAddedUpdate),
                nameof(StreamingResponseOutputTextDeltaUpdate), nameof(StreamingResponseOutputTextDoneUpdate), nameof(StreamingResponseContentPartDoneUpdate),
                nameof(StreamingResponseOutputItemDoneUpdate), nameof(StreamingResponseCompletedUpdate)],
            kinds);
        Assert.Equal(Enumerable.Range(0, numbers.Count), numbers);
        Assert.Equal(("w0 w1 ", "w0 w1 "), (text.ToString(), completed!.GetOutputText()));
    }

    [Fact]
    public async Task CreateResponse_OfAConversation_TakesItsOwnAnswerBack()
    {
        var first = (await _client.CreateResponseAsync(new CreateResponseOptions("fake", [ResponseItem.CreateUserMessageItem("Hi")]) { MaxOutputTokenCount = 2 }, Cancellation)).Value;
        var second = (await _client.CreateResponseAsync(new CreateResponseOptions(
            "fake", [ResponseItem.CreateUserMessageItem("Hi"), .. first.OutputItems, ResponseItem.CreateUserMessageItem("And?")])
        { MaxOutputTokenCount = 2 }, Cancellation)).Value;
        Assert.True(second.Usage.InputTokenCount > first.Usage.InputTokenCount);
    }

    [Fact]
    public async Task CreateResponse_ThatFails_IsAnException_AndInAStreamAFailedResponse()
    {
        var options = new CreateResponseOptions("fake", [ResponseItem.CreateUserMessageItem("Be sick")]) { MaxOutputTokenCount = 3 };
        Assert.True((await Assert.ThrowsAsync<ClientResultException>(() => _client.CreateResponseAsync(options, Cancellation))).Status >= 400);

        options.StreamingEnabled = true;
        StreamingResponseUpdate? last = null;
        await foreach (var update in await _client.CreateResponseStreamingAsync(options, Cancellation)) last = update;
        var failed = Assert.IsType<StreamingResponseFailedUpdate>(last).Response;
        Assert.Equal((ResponseStatus.Failed, ResponseErrorCode.ServerError), (failed.Status, failed.Error.Code));
        Assert.NotEmpty(failed.Error.Message);
    }

    [Fact]
    public async Task CreateResponse_OfWhatIsNotServed_NamesIt()
    {
        var options = new CreateResponseOptions("fake", [ResponseItem.CreateUserMessageItem("Hi")]) { PreviousResponseId = "resp_1" };
        var refusal = await Assert.ThrowsAsync<ClientResultException>(() => _client.CreateResponseAsync(options, Cancellation));
        Assert.Equal(400, refusal.Status);
        Assert.Contains("previous_response_id", refusal.Message, StringComparison.Ordinal);

        var unknown = await Assert.ThrowsAsync<ClientResultException>(() => _client.GetResponseAsync("resp_1", Cancellation));
        Assert.Equal(404, unknown.Status);
        Assert.Contains("not stored", unknown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateResponse_ThatNobodyWaitsFor_IsCancelled()
    {
        await using var slow = await GatewayCluster.StartAsync(new FakeEngineOptions { TimePerToken = TimeSpan.FromMilliseconds(20) });
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var options = new CreateResponseOptions("fake", [ResponseItem.CreateUserMessageItem("Hi")]) { MaxOutputTokenCount = 3000, StreamingEnabled = true };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in await ClientOf(slow).CreateResponseStreamingAsync(options, impatience.Token))
                if (update is StreamingResponseOutputTextDeltaUpdate) await impatience.CancelAsync();
        });
        for (var isIdle = false; !isIdle;)
        {
            isIdle = slow.Cluster.Engine.Load is { RunningCount: 0, WaitingCount: 0 };
            if (!isIdle) await Task.Delay(20, Cancellation);
        }

        Assert.Empty(slow.Cluster.Engine.Finished);
    }

    [Fact]
    public async Task CreateResponse_UnderAKey_IsMadeOnce_AndIsAnotherRequestThanAChat()
    {
        async Task<JsonElement> AskAsync(string path, string body, int status) => await running.Gateway.SendAsync(new(HttpMethod.Post, path)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
            Headers = { { "Idempotency-Key", "response" } },
        }, status);
        const string Body = """{"input":"Hi","max_output_tokens":3,"store":true}""";
        var first = await AskAsync("/v1/responses", Body, 200);
        Assert.False(first.GetProperty("store").GetBoolean());
        Assert.Equal(first.GetRawText(), (await AskAsync("/v1/responses", Body, 200)).GetRawText());
        var conflict = await AskAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":3}""", 422);
        Assert.Equal("idempotency_conflict", conflict.GetProperty("error").GetProperty("code").GetString());
    }

    private static CreateResponseOptions WithPicture()
    {
        var options = new CreateResponseOptions("fake",
        [
            ResponseItem.CreateUserMessageItem([
                ResponseContentPart.CreateInputTextPart("What is it?"),
                ResponseContentPart.CreateInputImagePart(new Uri(DataUrls.Png(4, 4)), ResponseImageDetailLevel.High)]),
        ])
        {
            Instructions = "Be brief.",
            MaxOutputTokenCount = 40,
            Temperature = 0.5f,
            TopP = 0.9f,
            StoredOutputEnabled = true,
            ParallelToolCallsEnabled = true,
            TruncationMode = ResponseTruncationMode.Disabled,
            TextOptions = new() { TextFormat = ResponseTextFormat.CreateTextFormat() },
            ToolChoice = ResponseToolChoice.CreateAutoChoice(),
            EndUserId = "someone",
            Metadata = { ["who"] = "me" },
        };
        options.Patch.Set("$.stop"u8, "w2"); // a field of ours, which the client does not know
        return options;
    }

    private static ResponsesClient ClientOf(GatewayCluster gateway) => new(new ApiKeyCredential("none"), new ResponsesClientOptions { Endpoint = new(gateway.Address, "v1") });

    /// <summary>One gateway for all tests, whose engine breaks over one question.</summary>
    public sealed class Running : IAsyncLifetime
    {
        internal GatewayCluster Gateway { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Gateway = await GatewayCluster.StartAsync(new FakeEngineOptions { OnToken = NodeRun.BeSick });

        public ValueTask DisposeAsync() => Gateway.DisposeAsync();
    }
}
