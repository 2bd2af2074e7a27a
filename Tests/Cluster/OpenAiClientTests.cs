using System.ClientModel;
using System.Text;
using System.Text.Json;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Tests.Fakes;
using Emu3.Tests.Unit.Grains.Interfaces.Requests;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Images;

namespace Emu3.Tests.Cluster;

/// <summary>OpenAI's own client, unmodified: base address and key are all it is told.</summary>
[Trait("Suite", "Cluster")]
public sealed class OpenAiClientTests : IAsyncLifetime
{
    private GatewayCluster _gateway = null!;
    private OpenAIClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _gateway = await GatewayCluster.StartAsync();
        _client = new(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new(_gateway.Address, "v1") });
    }

    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    [Fact]
    public async Task GenerateImage_WithItsUsualOptions_GivesAPicture()
    {
        var image = (await _client.GetImageClient("fake").GenerateImageAsync("a red star", new ImageGenerationOptions
        {
            Size = GeneratedImageSize.W1024xH1024,
            ResponseFormat = GeneratedImageFormat.Bytes,
            Quality = GeneratedImageQuality.High,
            EndUserId = "someone",
        }, Cancellation)).Value;
        Assert.True(PictureHeader.TryRead(image.ImageBytes.ToArray(), out var header));
        Assert.Equal((64, 64), (header.Width, header.Height));
    }

    [Fact]
    public async Task GenerateImages_Several_GivesDifferentOnes()
    {
        var answer = await _client.GetImageClient("fake").GenerateImagesAsync("a red star", 3, cancellationToken: Cancellation);
        var images = answer.Value;
        Assert.Equal(3, images.Select(image => Convert.ToHexString(image.ImageBytes.ToArray())).Distinct().Count());
        var usage = JsonSerializer.Deserialize<JsonElement>(answer.GetRawResponse().Content).GetProperty("usage");
        Assert.Equal((3 * 9, 3 * 75), (usage.GetProperty("input_tokens").GetInt32(), usage.GetProperty("output_tokens").GetInt32()));
    }

    [Fact]
    public async Task GenerateImage_WithTheSameSeed_GivesTheSamePicture()
    {
        async Task<string> Draw(string body) => (await _gateway.SendAsync(new(HttpMethod.Post, "/v1/images/generations")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        }, 200)).GetProperty("data")[0].GetProperty("b64_json").GetString()!;
        var first = await Draw("""{"prompt":"p","seed":9,"negative_prompt":"n","guidance_scale":2,"ratio":"4:3"}""");
        Assert.Equal(first, await Draw("""{"prompt":"p","seed":"9","negative_prompt":"n","guidance_scale":2,"ratio":"4:3"}"""));
        Assert.NotEqual(first, await Draw("""{"prompt":"p","seed":10,"negative_prompt":"n","guidance_scale":2,"ratio":"4:3"}"""));
    }

    [Fact]
    public async Task CompleteChat_WithAPicture_GivesTheAnswer()
    {
        var completion = (await _client.GetChatClient("fake").CompleteChatAsync(
            [
                new SystemChatMessage("Be brief."),
                new UserChatMessage(
                    ChatMessageContentPart.CreateTextPart("What is it?"),
                    ChatMessageContentPart.CreateImagePart(new BinaryData(DataUrls.PngHeader(4, 4)), "image/png")),
            ],
            new ChatCompletionOptions { MaxOutputTokenCount = 3, Temperature = 0.5f }, Cancellation)).Value;
        Assert.Equal("w0 w1 w2 ", completion.Content[0].Text);
        Assert.Equal(ChatFinishReason.Length, completion.FinishReason);
        Assert.Equal((12, 3, 15), (completion.Usage.InputTokenCount, completion.Usage.OutputTokenCount, completion.Usage.TotalTokenCount));
    }

    [Fact]
    public async Task CompleteChatStreaming_Answer_ComesInPiecesWithUsageAtTheEnd()
    {
        await using var slow = await GatewayCluster.StartAsync(new FakeEngineOptions { TimePerToken = TimeSpan.FromMilliseconds(20) });
        var client = new ChatClient("fake", new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new(slow.Address, "v1") });
        var text = new StringBuilder();
        var pieces = 0;
        ChatTokenUsage? usage = null;
        ChatFinishReason? reason = null;
        await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("Hi")], new ChatCompletionOptions { MaxOutputTokenCount = 40 }, Cancellation))
        {
            foreach (var part in update.ContentUpdate) text.Append(part.Text);
            if (update.ContentUpdate.Any(part => part.Text.Length > 0)) pieces++;
            usage = update.Usage ?? usage;
            reason = update.FinishReason ?? reason;
        }
        Assert.Equal(string.Concat(Enumerable.Range(0, 40).Select(i => $"w{i} ")), text.ToString());
        Assert.True(pieces > 1, $"{pieces} pieces");
        Assert.Equal((40, ChatFinishReason.Length), (usage!.OutputTokenCount, reason!.Value));
    }

    [Fact]
    public async Task CompleteChat_WithStopSequences_EndsBeforeTheFirst()
    {
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 40, StopSequences = { "never", "2 w3" } };
        var completion = (await _client.GetChatClient("fake").CompleteChatAsync([new UserChatMessage("Hi")], options, Cancellation)).Value;
        Assert.Equal(("w0 w1 w", ChatFinishReason.Stop, 4), (completion.Content[0].Text, completion.FinishReason, completion.Usage.OutputTokenCount));
        var text = new StringBuilder();
        await foreach (var update in _client.GetChatClient("fake").CompleteChatStreamingAsync([new UserChatMessage("Hi")], options, Cancellation))
            foreach (var part in update.ContentUpdate) text.Append(part.Text);
        Assert.Equal("w0 w1 w", text.ToString());
    }

    [Fact]
    public async Task CompleteChat_ThatNobodyWaitsFor_IsCancelled()
    {
        await using var slow = await GatewayCluster.StartAsync(new FakeEngineOptions { TimePerToken = TimeSpan.FromMilliseconds(20) });
        using var impatience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var client = new ChatClient("fake", new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new(slow.Address, "v1") });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("Hi")], new ChatCompletionOptions { MaxOutputTokenCount = 3000 }, impatience.Token))
                if (update.ContentUpdate.Any(part => part.Text.Length > 0)) await impatience.CancelAsync();
        });
        for (var isIdle = false; !isIdle;)
        {
            isIdle = slow.Cluster.Engine.Load is { RunningCount: 0, WaitingCount: 0 };
            if (!isIdle) await Task.Delay(20, Cancellation);
        }
        Assert.Empty(slow.Cluster.Engine.Finished);
    }

    [Fact]
    public async Task BadRequest_ForTheClient_IsItsExceptionWithTheReason()
    {
        var refusal = await Assert.ThrowsAsync<ClientResultException>(() => _client.GetChatClient("fake").CompleteChatAsync(
            [new UserChatMessage("Hi")], new ChatCompletionOptions { FrequencyPenalty = 1 }, Cancellation));
        Assert.Equal(400, refusal.Status);
        Assert.Contains("frequency_penalty", refusal.Message, StringComparison.Ordinal);

        var tooLong = await Assert.ThrowsAsync<ClientResultException>(() =>
            _client.GetImageClient("fake").GenerateImageAsync("too long", cancellationToken: Cancellation));
        Assert.Equal(400, tooLong.Status);
        Assert.Contains("5000 tokens", tooLong.Message, StringComparison.Ordinal);

        var unknown = await Assert.ThrowsAsync<ClientResultException>(() => _client.GetChatClient("gpt-4o").CompleteChatAsync([new UserChatMessage("Hi")], null, Cancellation));
        Assert.Equal(404, unknown.Status);
    }

    [Fact]
    public async Task GetModels_ForTheClient_ListsTheModel()
    {
        var models = (await _client.GetOpenAIModelClient().GetModelsAsync(Cancellation)).Value;
        Assert.Equal("fake", Assert.Single(models).Id);
        Assert.Equal("fake", (await _client.GetOpenAIModelClient().GetModelAsync("fake", Cancellation)).Value.Id);
    }
}
