using System.ClientModel;
using System.Text;
using System.Text.Json;
using Emu3.Gateway;
using Emu3.Inference;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;

namespace Emu3.Tests.Cluster;

/// <summary>OpenAI streams that can't come to their end raise in every client; and what a request is refused for leaves nothing behind.</summary>
[Trait("Suite", "Cluster")]
public sealed class StreamEndTests : IDisposable
{
    private const string Bootstrap = "a-bootstrap-key-of-32-characters-and-more";
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("/v1/chat/completions", """{"stream":true,"messages":[{"role":"user","content":"Hi"}]}""")]
    [InlineData("/v1/images/generations", """{"stream":true,"prompt":"a red star","partial_images":1}""")]
    public async Task Stream_OfAnEngineThatFails_EndsWithAnErrorAndWithoutAProperEnd(string path, string body)
    {
        await using var gateway = await GatewayCluster.StartAsync(new FakeEngineOptions { OnToken = FailInTheMiddle });
        var (text, failure) = await StreamReading.Begin(gateway.Http, Post(path, body), "data: ", Cancellation).End;
        Assert.IsAssignableFrom<IOException>(failure);
        Assert.Contains("\"code\":\"engine_failed\"", text.TrimEnd().Split("\n\n")[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        Assert.DoesNotContain("completed", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_OfAnEngineThatFails_RaisesInTheClientsForDotNet()
    {
        await using var gateway = await GatewayCluster.StartAsync(new FakeEngineOptions { OnToken = FailInTheMiddle });
        var client = new ChatClient("fake", new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new(gateway.Address, "v1") });
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            await foreach (var _ in client.CompleteChatStreamingAsync([new UserChatMessage("Hi")], new ChatCompletionOptions { MaxOutputTokenCount = 40 }, Cancellation))
            {
            }
        });
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            await foreach (var _ in client.AsIChatClient().GetStreamingResponseAsync("Hi", new ChatOptions { MaxOutputTokens = 40 }, Cancellation))
            {
            }
        });
    }

    [Fact]
    public async Task Stream_BeyondTheQuota_IsRefusedBeforeAJobIsMade()
    {
        // One slot: what was made first runs first.
        await using var gateway = await StartWithKeysAsync(new() { SlotCount = 1, TimePerToken = TimeSpan.FromMilliseconds(5) });
        var key = await KeyAsync(gateway, """{"name":"a","quotas":{"concurrent_streams":1}}""");
        using var first = await SendAsync(gateway, key, "/v1/chat/completions", """{"stream":true,"max_tokens":4000,"messages":[{"role":"user","content":"Hi"}]}""", 200);
        await SendAsync(gateway, key, "/v1/chat/completions", """{"stream":true,"max_tokens":2,"messages":[{"role":"user","content":"Hi"}]}""", 429);
        await SendAsync(gateway, key, "/v1/images/generations", """{"stream":true,"prompt":"p","guidance_scale":1}""", 429);
        first.Dispose(); // nobody waits for it any more: it is cancelled

        await SendAsync(gateway, key, "/v1/chat/completions", """{"max_tokens":3,"messages":[{"role":"user","content":"Hi"}]}""", 200);
        Assert.Single(gateway.Cluster.Engine.Finished);
    }

    [Fact]
    public async Task Request_ThatIsRefused_TakesNothingOfTheQuotaOfImages()
    {
        await using var gateway = await StartWithKeysAsync(new());
        var key = await KeyAsync(gateway, """{"name":"a","quotas":{"images_per_hour":1}}""");
        await SendAsync(gateway, key, "/v1/images/generations", """{"prompt":"too long"}""", 400);
        await SendAsync(gateway, key, "/v1/images/generations", """{"prompt":"p"}""", 200);
        await SendAsync(gateway, key, "/v1/images/generations", """{"prompt":"p"}""", 429);
    }

    private static void FailInTheMiddle(GenerationRequest request, int at)
    {
        if (at >= 16) throw new InvalidOperationException("sick");
    }

    private static HttpRequestMessage Post(string path, string body) => new(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };

    private async Task<GatewayCluster> StartWithKeysAsync(FakeEngineOptions engine)
    {
        await File.WriteAllTextAsync(_folder.PathTo("key"), Bootstrap, Cancellation);
        return await GatewayCluster.StartAsync(engine, new GatewayHostOptions { BootstrapKeyFile = _folder.PathTo("key") });
    }

    private static async Task<string> KeyAsync(GatewayCluster gateway, string body)
    {
        using var answer = await SendAsync(gateway, Bootstrap, "/v1/admin/keys", body, 201);
        return JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation)).GetProperty("key").GetString()!;
    }

    private static async Task<HttpResponseMessage> SendAsync(GatewayCluster gateway, string key, string path, string body, int status)
    {
        using var request = Post(path, body);
        request.Headers.Authorization = new("Bearer", key);
        var answer = await gateway.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.True(status == (int)answer.StatusCode, status == 200 ? $"{(int)answer.StatusCode}" : await answer.Content.ReadAsStringAsync(Cancellation));
        return answer;
    }
}
