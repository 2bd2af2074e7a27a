using System.Net;
using System.Text;
using System.Text.Json;
using Emu3.Grains.Interfaces;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>What keys and the cluster take no more of: refused with 429 until there is room, or for good where there never is. No worker runs, so what waits goes on waiting.</summary>
[Trait("Suite", "Cluster")]
public sealed class QuotaTests : IAsyncLifetime
{
    private const string Bootstrap = "a-bootstrap-key-of-32-characters-and-more";
    private readonly TemporaryFolder _folder = new();
    private GatewayCluster _gateway = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(_folder.PathTo("key"), Bootstrap, Cancellation);
        var cluster = await EmbeddedCluster.StartAsync(_folder.PathTo("data"), hasWorker: false, models: Repository.PathTo("models", "emu3-tiny"));
        while ((await cluster.Client.GetGrain<IModelCatalog>(0).List()).Count == 0) await Task.Delay(20, Cancellation);
        _gateway = await GatewayCluster.StartAsync(cluster, options: new() { BootstrapKeyFile = _folder.PathTo("key"), MostQueuedItems = 20 });
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task QueuedItems_BeyondATenantsQuotaOrTheClustersBound_AreRefused()
    {
        var a = await CreateAsync("""{"name":"a","tenant":"a","quotas":{"queued_items":10}}""");
        var b = await CreateAsync("""{"name":"b","tenant":"b"}""");

        Assert.Equal("quota_exceeded", await RefusedAsync(a, 11, 400)); // would never fit
        await SubmitAsync(a, 8, 202);
        await WaitingAsync("a", 8);
        Assert.Equal("rate_limit_exceeded", await RefusedAsync(a, 8, 429));
        Assert.Equal("quota_exceeded", await RefusedAsync(b, 21, 400));
        Assert.Equal("rate_limit_exceeded", await RefusedAsync(b, 15, 429));
        await SubmitAsync(b, 12, 202);
        await WaitingAsync("b", 12);
        Assert.Equal("rate_limit_exceeded", await RefusedAsync(a, 1, 429));
        Assert.Single(JsonSerializer.Deserialize<JsonElement>(await ReadAsync(a, "/v1/jobs")).GetProperty("data").EnumerateArray()); // of what was refused nothing is left
    }

    [Fact]
    public async Task ImagesAnHour_AreCountedByKey_AndTheHeadersSayWhatIsLeft()
    {
        var key = await CreateAsync("""{"name":"a","quotas":{"images_per_hour":5}}""");

        using var first = await SubmitAsync(key, 3, 202);
        Assert.Equal(("5", "2"), (Header(first, "limit"), Header(first, "remaining")));
        Assert.Matches("^(59|60|61)m[0-9]+s$", Header(first, "reset"));
        using var second = await SubmitAsync(key, 3, 429);
        Assert.Equal("2", Header(second, "remaining"));
        Assert.InRange(second.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        Assert.Equal("quota_exceeded", await RefusedAsync(key, 6, 400));
        using var third = await SubmitAsync(key, 2, 202);
        Assert.Equal("0", Header(third, "remaining"));
    }

    [Fact]
    public async Task Streams_BeyondAKeysQuota_AreRefused_UntilOneEnds()
    {
        var key = await CreateAsync("""{"name":"a","quotas":{"concurrent_streams":1}}""");
        using var submitted = await SubmitAsync(key, 1, 202);
        var events = $"{submitted.Headers.Location}/events";

        using (var open = await SendAsync(key, HttpMethod.Get, events))
        {
            Assert.Equal(HttpStatusCode.OK, open.StatusCode);
            using var refused = await SendAsync(key, HttpMethod.Get, events);
            Assert.Equal((HttpStatusCode.TooManyRequests, true), (refused.StatusCode, refused.Headers.RetryAfter is not null));
        }

        while (true)
        {
            using var again = await SendAsync(key, HttpMethod.Get, events);
            if (again.StatusCode == HttpStatusCode.OK) return;
            await Task.Delay(50, Cancellation);
        }
    }

    [Fact]
    public async Task AStream_OfAKeyThatIsRevoked_IsCutOff()
    {
        var key = await CreateAsync("""{"name":"a"}""");
        using var submitted = await SubmitAsync(key, 1, 202);
        using var open = await SendAsync(key, HttpMethod.Get, $"{submitted.Headers.Location}/events");
        await using var stream = await open.Content.ReadAsStreamAsync(Cancellation);
        using var revoked = await SendAsync(Bootstrap, HttpMethod.Delete, $"/v1/admin/keys/key_{key[5..21]}");
        Assert.Equal(HttpStatusCode.OK, revoked.StatusCode);

        await Assert.ThrowsAnyAsync<IOException>(async () => await stream.CopyToAsync(Stream.Null, Cancellation));
    }

    /// <summary>Completes when the dispatcher knows of them.</summary>
    private async Task WaitingAsync(string tenant, int count)
    {
        while ((await _gateway.Cluster.Client.GetGrain<IDispatcher>(0).GetWaiting()).GetValueOrDefault(tenant) != count) await Task.Delay(20, Cancellation);
    }

    private async Task<string> CreateAsync(string body)
    {
        using var response = await SendAsync(Bootstrap, HttpMethod.Post, "/v1/admin/keys", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation)).GetProperty("key").GetString()!;
    }

    private async Task<HttpResponseMessage> SubmitAsync(string key, int count, int status)
    {
        var lines = string.Join('\n', Enumerable.Range(0, count).Select(number => $$"""{"prompt":"picture {{number}}"}""").Prepend("{}"));
        var response = await SendAsync(key, HttpMethod.Post, "/v1/jobs", new StringContent(lines, Encoding.UTF8, "application/x-ndjson"));
        Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(Cancellation)}");
        return response;
    }

    private async Task<string> RefusedAsync(string key, int count, int status)
    {
        using var response = await SubmitAsync(key, count, status);
        Assert.Equal(status == 429, response.Headers.RetryAfter is not null);
        return JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation)).GetProperty("error").GetProperty("code").GetString()!;
    }

    private async Task<string> ReadAsync(string key, string path)
    {
        using var response = await SendAsync(key, HttpMethod.Get, path);
        return await response.Content.ReadAsStringAsync(Cancellation);
    }

    private async Task<HttpResponseMessage> SendAsync(string key, HttpMethod method, string path, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Authorization = new("Bearer", key);
        return await _gateway.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    private static string Header(HttpResponseMessage response, string name) => Assert.Single(response.Headers.GetValues($"x-ratelimit-{name}-requests"));
}
