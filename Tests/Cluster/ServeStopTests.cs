using System.ClientModel;
using System.Net;
using System.Text;
using System.Text.Json;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;

namespace Emu3.Tests.Cluster;

/// <summary><c>emu3 serve</c> told to stop while it answers: what can be finished in time is whole, and nobody takes the rest for whole.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class ServeStopTests : IDisposable
{
    private const string Chat = "/v1/chat/completions";

    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _http.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Serve_ToldToStop_FinishesWhatItCan_AndBreaksOffTheRest()
    {
        await using var emu = Start(stopTimeout: 8);
        _http.BaseAddress = await emu.ServedAtAsync(Cancellation);
        var job = (await AskAsync("/v1/jobs", """{"items":[{"question":"?","max_tokens":9000}]}""", 202)).GetProperty("id").GetString();
        var options = new OpenAIClientOptions { Endpoint = new(_http.BaseAddress, "v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) };
        var client = new ChatClient("simulated", new ApiKeyCredential("none"), options);

        var events = StreamReading.Begin(_http, new(HttpMethod.Get, $"/v1/jobs/{job}/events"), "event: ", Cancellation);
        var tooLong = StreamReading.Begin(_http, Post(Chat, Question(9000, isStreamed: true)), "w0", Cancellation);
        var ofTheClient = ReadAsync(client.CompleteChatStreamingAsync([new UserChatMessage("Hi")], new ChatCompletionOptions { MaxOutputTokenCount = 9000 }, Cancellation));
        var ofExtensions = ReadAsync(client.AsIChatClient().GetStreamingResponseAsync("Hi", new ChatOptions { MaxOutputTokens = 9000 }, Cancellation));
        var tooLongAtOnce = _http.SendAsync(Post(Chat, Question(9000, isStreamed: false)), Cancellation);
        await Task.WhenAll(events.Began, tooLong.Began);
        await RunningAsync(5);
        var whole = StreamReading.Begin(_http, Post(Chat, Question(200, isStreamed: true)), "w0", Cancellation);
        var pictures = _http.SendAsync(Post("/v1/images/generations", """{"prompt":"a red star","n":8}"""), Cancellation);
        await whole.Began;
        await RunningAsync(7);
        Assert.True(emu.Terminate());

        while ((await _http.GetAsync("/health/ready", Cancellation)).StatusCode != HttpStatusCode.ServiceUnavailable) await Task.Delay(10, Cancellation);
        Assert.Equal(HttpStatusCode.OK, (await _http.GetAsync("/health/live", Cancellation)).StatusCode);
        using (var late = await _http.SendAsync(Post(Chat, Question(2, isStreamed: false)), Cancellation)) await AssertRefusedAsync(late);

        var (text, failure) = await whole.End;
        Assert.True(failure is null, $"{failure}");
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
        Assert.Contains("w199 ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("retry:", text, StringComparison.Ordinal);
        using (var answer = await pictures)
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(8, JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation)).GetProperty("data").GetArrayLength());
        }

        (text, failure) = await events.End;
        Assert.True(failure is null, $"{failure}");
        Assert.EndsWith("retry: 1000\n\n", text, StringComparison.Ordinal);

        (text, failure) = await tooLong.End;
        Assert.IsAssignableFrom<IOException>(failure);
        Assert.EndsWith("\n\n", text, StringComparison.Ordinal);
        Assert.Contains("gateway_stopping", text[text.TrimEnd().LastIndexOf("\n\n", StringComparison.Ordinal)..], StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        using (var answer = await tooLongAtOnce) await AssertRefusedAsync(answer);
        await Assert.ThrowsAnyAsync<IOException>(() => ofTheClient);
        await Assert.ThrowsAnyAsync<IOException>(() => ofExtensions);
        Assert.True(await emu.EndAsync(Cancellation) == 0, emu.Text);
    }

    [Fact]
    public async Task Serve_ToldToStopTwice_EndsAtOnce()
    {
        await using var emu = Start(stopTimeout: 3600);
        _http.BaseAddress = await emu.ServedAtAsync(Cancellation);
        var stream = StreamReading.Begin(_http, Post(Chat, Question(9000, isStreamed: true)), "w0", Cancellation);
        await stream.Began;
        emu.Terminate();
        while ((await _http.GetAsync("/health/ready", Cancellation)).StatusCode != HttpStatusCode.ServiceUnavailable) await Task.Delay(10, Cancellation);
        emu.Terminate();
        Assert.Equal(130, await emu.EndAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(20), Cancellation));
        Assert.IsAssignableFrom<IOException>((await stream.End).Failure);
    }

    /// <summary>Simulated: 5 ms a token, a picture of 75 tokens in two slots.</summary>
    private EmuProcess Start(int stopTimeout) => EmuProcess.Start(
        "serve", "--engine", "simulated", "--slots", "12", "--port", "0", "--data", _folder.PathTo("data"), "--stop-timeout", $"{stopTimeout}");

    private static string Question(int tokens, bool isStreamed) =>
        $$"""{"max_tokens":{{tokens}},"stream":{{(isStreamed ? "true" : "false")}},"messages":[{"role":"user","content":"Hi"}]}""";

    private static HttpRequestMessage Post(string path, string body) => new(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };

    private static async Task ReadAsync<T>(IAsyncEnumerable<T> updates)
    {
        await foreach (var _ in updates)
        {
        }
    }

    private static async Task AssertRefusedAsync(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.True(answer.StatusCode == HttpStatusCode.ServiceUnavailable, text);
        Assert.Contains("gateway_stopping", text, StringComparison.Ordinal);
        Assert.NotNull(answer.Headers.RetryAfter);
    }

    private async Task<JsonElement> AskAsync(string path, string body, int status)
    {
        using var answer = await _http.SendAsync(Post(path, body), Cancellation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.True(status == (int)answer.StatusCode, text);
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    /// <summary>Completes when the engine runs so many requests.</summary>
    private async Task RunningAsync(int count)
    {
        while (true)
        {
            var workers = JsonSerializer.Deserialize<JsonElement>(await _http.GetStringAsync("/v1/workers", Cancellation)).GetProperty("data");
            if (workers[0].TryGetProperty("load", out var load) && load.GetProperty("running").GetInt32() >= count) return;
            await Task.Delay(10, Cancellation);
        }
    }
}
