using System.Net;
using System.Text;
using System.Text.Json;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Pages of other sites in a browser: which may call a gateway, and what they may read of its answers.</summary>
[Trait("Suite", "Cluster")]
public sealed class CrossOriginTests : IAsyncLifetime
{
    private const string Bootstrap = "a-bootstrap-key-of-32-characters-and-more";
    private const string Allowed = "https://app.example.org";
    private const string Local = "http://localhost:3000";
    private const string Foreign = "https://evil.example";
    private readonly TemporaryFolder _folder = new();
    private GatewayCluster _open = null!;
    private GatewayCluster _keyed = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(_folder.PathTo("key"), Bootstrap, Cancellation);
        _open = await GatewayCluster.StartAsync(options: new() { CorsOrigins = [Allowed] });
        _keyed = await GatewayCluster.StartAsync(_open.Cluster, options: new() { CorsOrigins = [Allowed, Local], BootstrapKeyFile = _folder.PathTo("key") });
    }

    public async ValueTask DisposeAsync()
    {
        await _keyed.DisposeAsync();
        await _open.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(Allowed)]
    [InlineData(Local)]
    public async Task Preflight_OfAnAllowedSite_IsAnsweredWithoutAKey(string origin)
    {
        using var answer = await PreflightAsync(_keyed, origin, "/v1/chat/completions", "POST");
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(origin, Header(answer, "Access-Control-Allow-Origin"));
        Assert.Contains("POST", Header(answer, "Access-Control-Allow-Methods"), StringComparison.Ordinal);
        Assert.Equal("authorization,content-type,idempotency-key", Header(answer, "Access-Control-Allow-Headers"));
        Assert.Equal("3600", Header(answer, "Access-Control-Max-Age"));
        Assert.Null(Header(answer, "Access-Control-Allow-Credentials"));
    }

    [Theory]
    [InlineData(Foreign)]
    [InlineData("https://app.example.org.evil.example")]
    [InlineData("http://app.example.org")]
    [InlineData("null")]
    public async Task Preflight_OfAnotherSite_AllowsNothing(string origin)
    {
        foreach (var gateway in (GatewayCluster[])[_open, _keyed])
        {
            using var answer = await PreflightAsync(gateway, origin, "/v1/jobs/job_1", "DELETE");
            Assert.Null(Header(answer, "Access-Control-Allow-Origin"));
        }
    }

    [Fact]
    public async Task Errors_AreReadable_ForAllowedSitesAlone()
    {
        var key = (await SendAsync(_keyed, null, Bootstrap, "POST", "/v1/admin/keys", """{"name":"page","quotas":{"images_per_hour":1}}""")).Json.GetProperty("key").GetString();
        const string draw = """{"prompt":"a star"}""";
        foreach (var (with, method, path, body, status) in ((string?, string, string, string?, int)[])[
            (null, "POST", "/v1/images/generations", draw, 401), ("none", "GET", "/v1/models", null, 401), (key, "GET", "/v1/nothing", null, 404),
            (key, "POST", "/v1/images/generations", "{", 400), (key, "POST", "/v1/images/generations", draw, 200), (key, "POST", "/v1/images/generations", draw, 429)])
        {
            var told = await SendAsync(_keyed, Allowed, with, method, path, body);
            Assert.Equal((status, Allowed), (told.Status, told.AllowOrigin));
            Assert.All(["x-request-id", "Retry-After", "x-ratelimit-remaining-requests", "Content-Disposition"], name => Assert.Contains(name, told.Exposed, StringComparison.Ordinal));
        }

        var foreign = await SendAsync(_keyed, Foreign, key, "GET", "/v1/models", null);
        Assert.Equal((200, null), (foreign.Status, foreign.AllowOrigin)); // a key opens it; the page can't read the answer
    }

    [Fact]
    public async Task Stream_OfAnAllowedSite_IsReadable()
    {
        using var request = Request(Allowed, Bootstrap, "POST", "/v1/chat/completions", """{"messages":[{"role":"user","content":"hi"}],"max_tokens":3,"stream":true}""");
        using var answer = await _keyed.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal(("text/event-stream", Allowed), (answer.Content.Headers.ContentType?.MediaType, Header(answer, "Access-Control-Allow-Origin")));
        Assert.EndsWith("[DONE]\n\n", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GatewayWithoutKeys_ChangesSomethingForAllowedSitesAlone()
    {
        const string draw = """{"prompt":"a star"}""";
        var allowed = await SendAsync(_open, Allowed, null, "POST", "/v1/images/generations", draw);
        Assert.Equal((200, Allowed), (allowed.Status, allowed.AllowOrigin));
        var foreign = await SendAsync(_open, Foreign, null, "POST", "/v1/images/generations", draw);
        Assert.Equal((403, null), (foreign.Status, foreign.AllowOrigin));
        Assert.Contains("Gateway:CorsOrigins", foreign.Json.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Null((await SendAsync(_open, Foreign, null, "GET", "/v1/models", null)).AllowOrigin);
    }

    [Fact]
    public async Task Gateway_ThatNamesNoSite_AllowsNone()
    {
        await using var plain = await GatewayCluster.StartAsync(_open.Cluster);
        using var answer = await PreflightAsync(plain, Allowed, "/v1/chat/completions", "POST");
        Assert.Null(Header(answer, "Access-Control-Allow-Origin"));
        Assert.Null((await SendAsync(plain, Allowed, null, "GET", "/v1/models", null)).AllowOrigin);
        Assert.Equal(403, (await SendAsync(plain, Allowed, null, "POST", "/v1/images/generations", """{"prompt":"a star"}""")).Status);
    }

    private static async Task<HttpResponseMessage> PreflightAsync(GatewayCluster gateway, string origin, string path, string method)
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, path);
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", method);
        request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type,idempotency-key");
        return await gateway.Http.SendAsync(request, Cancellation);
    }

    private static HttpRequestMessage Request(string? origin, string? key, string method, string path, string? body)
    {
        var request = new HttpRequestMessage(new(method), path);
        if (origin is not null) request.Headers.Add("Origin", origin);
        if (key is not null) request.Headers.Authorization = new("Bearer", key);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return request;
    }

    private static async Task<(int Status, string? AllowOrigin, string Exposed, JsonElement Json)> SendAsync(
        GatewayCluster gateway, string? origin, string? key, string method, string path, string? body)
    {
        using var request = Request(origin, key, method, path, body);
        using var answer = await gateway.Http.SendAsync(request, Cancellation);
        var json = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation));
        return ((int)answer.StatusCode, Header(answer, "Access-Control-Allow-Origin"), Header(answer, "Access-Control-Expose-Headers") ?? "", json);
    }

    private static string? Header(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
}
