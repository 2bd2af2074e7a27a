using System.Net;
using System.Text;
using System.Text.Json;
using Emu3.Gateway;
using Emu3.Inference;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>What a gateway does while the only worker is still loading its model.</summary>
[Trait("Suite", "Cluster")]
public sealed class LoadingModelTests : IDisposable
{
    private const string Question = """{"max_tokens":3,"messages":[{"role":"user","content":"Hi"}]}""";

    private readonly TemporaryFolder _folder = new();
    private readonly TaskCompletionSource<IEngine> _loaded = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Model_IsKnownWhileItLoads_AndRequestsWaitForIt()
    {
        await using var gateway = await GatewayCluster.StartAsync(
            await EmbeddedCluster.StartAsync(_folder.FullPath, hasWorker: false), options: new() { ReadyModel = GatewayHostOptions.AnyModel });
        Assert.Equal("no_worker", CodeOf(await AskAsync(gateway, 503)));
        await using var engine = new FakeEngine();
        await using var worker = await gateway.Cluster.AddWorkerAsync((_, _, progress, _) => Load(engine, progress));
        while ((await gateway.GetAsync("/v1/models")).GetProperty("data").GetArrayLength() == 0) await Task.Delay(20, Cancellation);

        var model = Assert.Single((await gateway.GetAsync("/v1/models")).GetProperty("data").EnumerateArray());
        Assert.Equal(("fake", false), (model.GetProperty("id").GetString(), model.GetProperty("loaded").GetBoolean()));
        var job = (await gateway.SubmitAsync(["{}", """{"prompt":"p"}"""])).GetProperty("id").GetString()!;
        Assert.Contains("loading weights, 50 %", $"{(await gateway.GetAsync("/health/ready", 503)).GetProperty("wrong")}", StringComparison.Ordinal);
        Task<JsonElement>[] waiting = [AskAsync(gateway, 200), AskAsync(gateway, 200)];
        await Task.WhenAny(Task.WhenAny(waiting), Task.Delay(300, Cancellation));
        Assert.DoesNotContain(waiting, answer => answer.IsCompleted);

        _loaded.SetResult(engine);
        foreach (var answer in waiting) Assert.Equal("w0 w1 w2 ", (await answer).GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal("completed", (await gateway.WaitAsync(job)).GetProperty("status").GetString());
        await gateway.GetAsync("/health/ready");
    }

    [Fact]
    public async Task Request_ThatWaitsTooLong_IsToldWhenToComeAgain()
    {
        await using var gateway = await GatewayCluster.StartAsync(
            await EmbeddedCluster.StartAsync(_folder.FullPath, hasWorker: false), options: new() { LoadTimeout = TimeSpan.FromMilliseconds(200) });
        await using var engine = new FakeEngine();
        await using var worker = await gateway.Cluster.AddWorkerAsync((_, _, progress, _) => Load(engine, progress));
        while ((await gateway.GetAsync("/v1/models")).GetProperty("data").GetArrayLength() == 0) await Task.Delay(20, Cancellation);

        using var response = await gateway.Http.SendAsync(Request(), Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        var answer = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("model_loading", CodeOf(answer));
        Assert.Contains("\"fake\" is still being loaded: loading weights, 50 %", answer.GetProperty("error").GetProperty("message").GetString()!, StringComparison.Ordinal);
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        _loaded.SetResult(engine);
    }

    private Task<IEngine> Load(FakeEngine engine, IProgress<LoadStage> progress)
    {
        progress.Report(new("loading weights", Share: 0, engine.Model));
        progress.Report(new("loading weights", Share: 0.5));
        return _loaded.Task;
    }

    private static HttpRequestMessage Request() => new(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(Question, Encoding.UTF8, "application/json") };

    private static async Task<JsonElement> AskAsync(GatewayCluster gateway, int status) => await gateway.SendAsync(Request(), status);

    private static string? CodeOf(JsonElement answer) => answer.GetProperty("error").GetProperty("code").GetString();
}
