using System.ClientModel;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Emu3.Cli;
using Emu3.Gateway;
using Emu3.Gateway.Access;
using Emu3.Grains.Interfaces;
using Emu3.Tests.Fakes;
using OpenAI;

namespace Emu3.Tests.Cluster;

/// <summary>Keys over HTTP: who gets in, what each may, and what one tenant sees of another: nothing.</summary>
[Trait("Suite", "Cluster")]
public sealed class KeyTests : IAsyncLifetime
{
    private const string Bootstrap = "a-bootstrap-key-of-32-characters-and-more";
    private readonly TemporaryFolder _folder = new();
    private GatewayCluster _gateway = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(_folder.PathTo("key"), Bootstrap, Cancellation);
        _gateway = await GatewayCluster.StartAsync(options: Options());
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task EveryRoute_ButHealth_AsksForAKey()
    {
        foreach (var (method, path) in ((string, string)[])[
            ("GET", "/v1/models"), ("GET", "/v1/jobs"), ("POST", "/v1/jobs"), ("POST", "/v1/images/generations"), ("POST", "/v1/chat/completions"), ("POST", "/v1/responses"),
            ("GET", "/v1/workers"), ("POST", "/v1/workers/a/b/release"), ("GET", "/v1/admin/keys"), ("GET", "/v1/admin/audit"), ("GET", "/v1/nothing"), ("PUT", "/v1/jobs")])
        {
            using var request = new HttpRequestMessage(new(method), path);
            using var response = await _gateway.Http.SendAsync(request, Cancellation);
            Assert.True(response.StatusCode == HttpStatusCode.Unauthorized, $"{method} {path}: {response.StatusCode}");
            Assert.Equal("Bearer", Assert.Single(response.Headers.WwwAuthenticate).Scheme);
            var error = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(Cancellation)).GetProperty("error");
            Assert.Equal("invalid_api_key", error.GetProperty("code").GetString());
            Assert.Equal(["message", "type", "param", "code"], error.EnumerateObject().Select(property => property.Name));
        }
        await _gateway.GetAsync("/health");
        foreach (var page in (string[])["/playground", "/reference/", "/openapi/v1.json"])
        {
            using var open = await _gateway.Http.GetAsync(page, Cancellation);
            Assert.Equal(HttpStatusCode.OK, open.StatusCode);
        }
        await AskAsync(null, "GET", "/v1/pictures/job_1/0", 403); // a signature is asked for there
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer none")]
    [InlineData("Bearer emu3_0123456789abcdef_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    [InlineData("Basic YTpi")]
    [InlineData("a-bootstrap-key-of-32-characters-and-more")]
    [InlineData("Bearer a-bootstrap-key-of-32-characters-and-more2")]
    public async Task AnythingThatIsNoKey_Is401(string header)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        Assert.True(request.Headers.TryAddWithoutValidation("Authorization", header));
        using var response = await _gateway.Http.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task AKey_OpensForOpenAisClient_AndAWrongOneIsItsAuthenticationError()
    {
        var key = await CreateAsync("""{"name":"sdk"}""");
        OpenAIClient Client(string text) => new(new ApiKeyCredential(text), new OpenAIClientOptions { Endpoint = new(_gateway.Address, "v1") });

        Assert.NotEmpty((await Client(key.Text).GetOpenAIModelClient().GetModelsAsync(Cancellation)).Value);
        var refused = await Assert.ThrowsAsync<ClientResultException>(() => Client($"{key.Text[..^1]}{(key.Text[^1] == '0' ? '1' : '0')}").GetOpenAIModelClient().GetModelsAsync(Cancellation));
        Assert.Equal(401, refused.Status);
    }

    [Fact]
    public async Task AUser_IsNoAdmin()
    {
        var user = await CreateAsync("""{"name":"user","tenant":"a"}""");
        foreach (var (method, path) in ((string, string)[])[
            ("GET", "/v1/admin/keys"), ("POST", "/v1/admin/keys"), ("DELETE", $"/v1/admin/keys/{user.Id}"), ("POST", $"/v1/admin/keys/{user.Id}/rotate"),
            ("GET", "/v1/admin/audit"), ("POST", "/v1/workers/a/b/release"), ("POST", "/v1/workers/a%2Fb/release")])
            Assert.Equal("admin_only", (await AskAsync(user.Text, method, path, 403)).GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("worker_not_found", (await AskAsync(Bootstrap, "POST", "/v1/workers/a/b/release", 404)).GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task AKey_IsShownOnce_Rotated_Revoked_AndAllOfItIsInTheAuditLog()
    {
        var admin = await CreateAsync("""{"name":"admin","role":"admin"}""");
        var key = await CreateAsync("""{"name":"user","tenant":"a","expires_in":"1h","weight":2}""", admin.Text);
        var listed = await AskAsync(admin.Text, "GET", "/v1/admin/keys");
        var shown = listed.GetProperty("data").EnumerateArray().Single(other => other.GetProperty("id").GetString() == key.Id);
        Assert.False(shown.TryGetProperty("key", out _));
        Assert.Equal(("active", key.Text[^4..]), (shown.GetProperty("status").GetString(), shown.GetProperty("last_four").GetString()));

        var rotated = (await AskAsync(admin.Text, "POST", $"/v1/admin/keys/{key.Id}/rotate")).GetProperty("key").GetString()!;
        await AskAsync(key.Text, "GET", "/v1/models", 401);
        await AskAsync(rotated, "GET", "/v1/models");
        for (var time = 0; time < 2; time++)
            Assert.Equal("revoked", (await AskAsync(admin.Text, "DELETE", $"/v1/admin/keys/{key.Id}")).GetProperty("status").GetString());
        Assert.Contains("was revoked", (await AskAsync(rotated, "GET", "/v1/models", 401)).GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("key_not_valid", (await AskAsync(admin.Text, "POST", $"/v1/admin/keys/{key.Id}/rotate", 400)).GetProperty("error").GetProperty("code").GetString());
        await AskAsync(admin.Text, "DELETE", "/v1/admin/keys/key_0123456789abcdef", 404);

        var audit = await AskAsync(admin.Text, "GET", "/v1/admin/audit?limit=4");
        Assert.Equal(
            [("key.revoke", key.Id, admin.Id), ("key.revoke", key.Id, admin.Id), ("key.rotate", key.Id, admin.Id), ("key.create", key.Id, admin.Id)],
            audit.GetProperty("data").EnumerateArray().Select(act =>
                (act.GetProperty("act").GetString()!, act.GetProperty("target").GetString()!, act.GetProperty("actor").GetString()!)));
        var older = await AskAsync(admin.Text, "GET", $"/v1/admin/audit?before={audit.GetProperty("next").GetInt64()}");
        Assert.Equal("bootstrap", older.GetProperty("data").EnumerateArray().Last().GetProperty("actor").GetString());
        Assert.Equal(JsonValueKind.Null, older.GetProperty("next").ValueKind);
        Assert.DoesNotContain(key.Text[22..], (await AskAsync(admin.Text, "GET", "/v1/admin/audit")).GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SameRequestUnderTheSameIdempotencyKey_GivesTheSameKeyAnotherSecret()
    {
        const string Body = """{"name":"once","tenant":"a","expires_in":"1h"}""";
        var first = await AskAsync(Bootstrap, "POST", "/v1/admin/keys", 201, Body, idempotencyKey: "once");
        var again = await AskAsync(Bootstrap, "POST", "/v1/admin/keys", 201, Body, idempotencyKey: "once");
        foreach (var same in (string[])["id", "created_at", "expires_at"]) Assert.Equal(first.GetProperty(same).GetRawText(), again.GetProperty(same).GetRawText());
        Assert.Single((await AskAsync(Bootstrap, "GET", "/v1/admin/keys")).GetProperty("data").EnumerateArray());
        await AskAsync(first.GetProperty("key").GetString(), "GET", "/v1/models", 401);
        await AskAsync(again.GetProperty("key").GetString(), "GET", "/v1/models");

        // Another request is another's; another admin's tenant has keys of its own.
        var refused = await AskAsync(Bootstrap, "POST", "/v1/admin/keys", 422, """{"name":"twice"}""", idempotencyKey: "once");
        Assert.Equal("idempotency_conflict", refused.GetProperty("error").GetProperty("code").GetString());
        var admin = await CreateAsync("""{"name":"admin","role":"admin","tenant":"b"}""");
        Assert.NotEqual(first.GetProperty("id").GetString(), (await AskAsync(admin.Text, "POST", "/v1/admin/keys", 201, Body, idempotencyKey: "once")).GetProperty("id").GetString());

        // One that was taken back does not come back.
        await AskAsync(Bootstrap, "DELETE", $"/v1/admin/keys/{first.GetProperty("id").GetString()}");
        var over = await AskAsync(Bootstrap, "POST", "/v1/admin/keys", 400, Body, idempotencyKey: "once");
        Assert.Equal("key_not_valid", over.GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task AnExpiredKey_Is401_AndSaysSo()
    {
        var text = KeyText.Draw("key_00000000000000aa");
        await _gateway.Cluster.Client.GetGrain<IKeyRing>(0).Add(new()
        {
            Id = "key_00000000000000aa",
            Name = "old",
            Tenant = "a",
            Role = KeyRole.Admin,
            SecretHash = KeyText.Hash(text),
            LastFour = text[^4..],
            CreatedAt = DateTimeOffset.UnixEpoch,
            ExpiresAt = DateTimeOffset.UnixEpoch.AddDays(1),
        });
        Assert.Contains("has expired", (await AskAsync(text, "GET", "/v1/models", 401)).GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnotherGateway_TakesANewKeyAtOnce_AndARevokedOneNoLongerWithin10Seconds()
    {
        await using var other = await GatewayCluster.StartAsync(_gateway.Cluster, options: Options());
        var key = await CreateAsync("""{"name":"user"}""");
        await AskAsync(key.Text, "GET", "/v1/models", at: other.Http);
        await AskAsync(Bootstrap, "DELETE", $"/v1/admin/keys/{key.Id}");
        var revoked = TimeProvider.System.GetTimestamp();
        while (await StatusAsync(other.Http, key.Text) != HttpStatusCode.Unauthorized)
        {
            Assert.InRange(TimeProvider.System.GetElapsedTime(revoked).TotalSeconds, 0, 10);
            await Task.Delay(100, Cancellation);
        }
    }

    [Fact]
    public async Task CommandLine_MakesListsRotatesAndRevokesKeys()
    {
        var (made, text) = await RunAsync("keys", "create", "ci", "--tenant", "a", "--expires", "1d", "--queued-items", "5");
        Assert.Equal(ExitCode.AllDone, made);
        await AskAsync(text, "GET", "/v1/models");
        Assert.True(KeyText.TryReadId(text, out var id));
        var (listed, list) = await RunAsync("keys", "list", "--json");
        Assert.Equal(ExitCode.AllDone, listed);
        Assert.Contains($"\"{id}\"", list, StringComparison.Ordinal);
        Assert.DoesNotContain(text, list, StringComparison.Ordinal);
        var (_, rotated) = await RunAsync("keys", "rotate", id);
        await AskAsync(text, "GET", "/v1/models", 401);
        await AskAsync(rotated, "GET", "/v1/models");
        Assert.Equal(ExitCode.AllDone, (await RunAsync("keys", "revoke", id)).ExitCode);
        await AskAsync(rotated, "GET", "/v1/models", 401);

        Assert.Equal(ExitCode.BadInput, (await RunAsync("keys", "create", "ci", "--tenant", "A")).ExitCode);
        Assert.Equal(ExitCode.BadInput, (await RunAsync("keys", "revoke", "key_0123456789abcdef")).ExitCode);
    }

    private async Task<(int ExitCode, string Out)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        var console = new CliConsole { Out = output, Error = TextWriter.Null, OpenInput = () => Stream.Null, IsLive = false, Time = TimeProvider.System };
        var exitCode = await CommandLine.RunAsync([.. arguments, "--server", _gateway.Address.ToString(), "--key", Bootstrap], console, Cancellation);
        return (exitCode, output.ToString().Trim());
    }

    [Fact]
    public async Task AnotherTenantsJob_IsNotThere()
    {
        var a = await CreateAsync("""{"name":"a","tenant":"a"}""");
        var b = await CreateAsync("""{"name":"b","tenant":"b"}""");
        var job = await SubmitAsync(a.Text, "first");
        var id = job.GetProperty("id").GetString()!;
        while ((await AskAsync(a.Text, "GET", $"/v1/jobs/{id}")).GetProperty("status").GetString() != "completed") await Task.Delay(50, Cancellation);

        foreach (var stranger in (string[])[b.Text, Bootstrap])
        {
            foreach (var (method, path, body) in ((string, string, string?)[])[
                ("GET", "", null), ("GET", "/results", null), ("GET", "/events", null), ("GET", "/items/0", null), ("GET", "/items/0/content", null),
                ("DELETE", "/items/0/content", null), ("GET", "/items/0/tokens", null), ("GET", "/diagnosis", null), ("POST", "/cancel", null), ("POST", "/pause", null),
                ("POST", "/resume", null), ("POST", "/retry_failed", null), ("POST", "/priority", """{"priority":"high"}"""), ("DELETE", "", null)])
                Assert.Equal("job_not_found", (await AskAsync(stranger, method, $"/v1/jobs/{id}{path}", 404, body)).GetProperty("error").GetProperty("code").GetString());
            Assert.Empty((await AskAsync(stranger, "GET", "/v1/jobs")).GetProperty("data").EnumerateArray());
            await AskAsync(stranger, "GET", $"/v1/jobs?after={id}", 400);
        }

        // The same key of a submission is another's in another tenant.
        var theirs = await SubmitAsync(b.Text, "second, and different");
        Assert.NotEqual(id, theirs.GetProperty("id").GetString());
        Assert.Equal(id, (await SubmitAsync(a.Text, "first")).GetProperty("id").GetString());
        Assert.Equal(id, Assert.Single((await AskAsync(a.Text, "GET", "/v1/jobs")).GetProperty("data").EnumerateArray()).GetProperty("id").GetString());
        await AskAsync(a.Text, "DELETE", $"/v1/jobs/{id}", 204);
    }

    private GatewayHostOptions Options() => new() { BootstrapKeyFile = _folder.PathTo("key") };

    private async Task<(string Id, string Text)> CreateAsync(string body, string key = Bootstrap)
    {
        var made = await AskAsync(key, "POST", "/v1/admin/keys", 201, body);
        return (made.GetProperty("id").GetString()!, made.GetProperty("key").GetString()!);
    }

    private async Task<JsonElement> SubmitAsync(string key, string prompt)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs")
        {
            Content = new StringContent($$"""
                {}
                {"prompt":"{{prompt}}"}
                """, Encoding.UTF8, "application/x-ndjson"),
        };
        request.Headers.Add("Idempotency-Key", "the same");
        request.Headers.Authorization = new("Bearer", key);
        return await _gateway.SendAsync(request, 202);
    }

    private async Task<JsonElement> AskAsync(string? key, string method, string path, int expectedStatus = 200, string? body = null, HttpClient? at = null, string? idempotencyKey = null)
    {
        using var request = new HttpRequestMessage(new(method), path);
        if (idempotencyKey is not null) request.Headers.Add("Idempotency-Key", idempotencyKey);
        if (key is not null) request.Headers.Authorization = new("Bearer", key);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using var response = await (at ?? _gateway.Http).SendAsync(request, Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(expectedStatus == (int)response.StatusCode, $"{method} {path}: {(int)response.StatusCode}: {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Authorization = new("Bearer", key);
        using var response = await http.SendAsync(request, Cancellation);
        return response.StatusCode;
    }
}
