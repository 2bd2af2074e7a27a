using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Tests.Fakes;
using Emu3.Tests.Unit.Grains.Interfaces.Requests;

namespace Emu3.Tests.Cluster;

/// <summary>What people try who mean no good, over HTTP: each is refused, and says so. docs/security.md lists what is tested elsewhere.</summary>
[Trait("Suite", "Cluster")]
public sealed class HostileRequestTests : IAsyncLifetime
{
    private const string Chat = "/v1/chat/completions";
    private const string Jobs = "/v1/jobs";
    private readonly TemporaryFolder _folder = new();
    private GatewayCluster _gateway = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _gateway = await GatewayCluster.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Bomb_OfPixels_IsRefusedFromItsHeader_OnEveryRouteThatTakesPictures()
    {
        var bomb = DataUrls.Png(60_000, 60_000);
        var message = $$$"""{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"{{{bomb}}}"}},{"type":"text","text":"?"}]}]}""";
        Assert.Equal("messages[0].content[0].image_url.url", (await RefusedAsync(Chat, message)).GetProperty("param").GetString());
        foreach (var (item, param) in ((string, string)[])[
            ($$"""{"image":"{{bomb}}","question":"?"}""", "items[0].image"),
            ($$"""{"image":["{{bomb}}"],"question":"?"}""", "items[0].image[0]"),
            (message, "items[0].messages[0].content[0].image_url.url"),
            ($$"""{"custom_id":"a","method":"POST","url":"{{Chat}}","body":{{message}} }""", "items[0].body.messages[0].content[0].image_url.url")])
        {
            var error = await RefusedAsync(Jobs, $$"""{"items":[{{item}}]}""");
            Assert.Equal(param, error.GetProperty("param").GetString());
            Assert.Contains($"60000x60000 pixels; {RequestLimits.PicturePixels}", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Bomb_OfACompressedBody_IsNeverUnpacked()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true)) await gzip.WriteAsync(new byte[100 << 20], Cancellation);
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new ByteArrayContent(packed.ToArray()) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        request.Content.Headers.ContentEncoding.Add("gzip");
        var error = (await _gateway.SendAsync(request, 400)).GetProperty("error");

        Assert.StartsWith("The body is not valid", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1x2147483647")]
    [InlineData("1x65537")]
    [InlineData("1x65536.1")]
    public async Task Bomb_OfACursor_IsRefused(string cursor) => await _gateway.GetAsync($"/v1/jobs/job_0123456789abcdef0123456789abcdef/events?after={cursor}", 400);

    [Theory]
    [InlineData("..%2f..%2fetc%2fpasswd")]
    [InlineData("%2e%2e%2f%2e%2e%2fkey")]
    [InlineData("..%5c..%5cx")]
    [InlineData("%252e%252e%252f")]
    [InlineData("job_0123456789abcdef0123456789abcde%2f")]
    [InlineData("job_0123456789ABCDEF0123456789ABCDEF")]
    [InlineData("job_0123456789abcdef0123456789abcdef%2f0")]
    [InlineData("file-0123456789abcdef0123456789abcdef-..")]
    [InlineData("file-0123456789abcdef0123456789abcdef-99999999999")]
    [InlineData("%ff%fe")]
    [InlineData("%01")]
    public async Task Path_InThePlaceOfAnId_IsNotThere(string id)
    {
        foreach (var path in (string[])[
            "/v1/jobs/{0}", "/v1/jobs/{0}/results", "/v1/jobs/{0}/events", "/v1/jobs/{0}/items/0/content", "/v1/jobs/{0}/archive", "/v1/jobs/{0}/diagnosis",
            "/v1/files/{0}", "/v1/files/{0}/content", "/v1/batches/{0}", "/v1/models/{0}"])
        {
            var error = (await _gateway.GetAsync(string.Format(CultureInfo.InvariantCulture, path, id), 404)).GetProperty("error");
            Assert.Equal(["message", "type", "param", "code"], error.EnumerateObject().Select(property => property.Name));
        }

        foreach (var path in (string[])["/v1/pictures/{0}/0?expires=9999999999&signature=x", "/v1/archives/{0}?expires=9999999999&signature=x"])
            await _gateway.GetAsync(string.Format(CultureInfo.InvariantCulture, path, id), 403);
        await _gateway.SendAsync(new(HttpMethod.Delete, $"/v1/files/{id}"), 404);
        await _gateway.SendAsync(new(HttpMethod.Delete, $"/v1/jobs/{id}"), 404);
    }

    [Fact]
    public async Task Signature_OpensNothingButItsOwnAddress_AndNothingThatIsGone()
    {
        var job = (await _gateway.SubmitAsync(["{}", """{"prompt":"p"}"""])).GetProperty("id").GetString()!;
        await _gateway.WaitAsync(job);
        var address = new Uri((await _gateway.SendAsync(new(HttpMethod.Post, $"/v1/jobs/{job}/archive"), 200)).GetProperty("url").GetString()!);
        using (var opened = await _gateway.Http.GetAsync(address.PathAndQuery, Cancellation)) Assert.Equal(HttpStatusCode.OK, opened.StatusCode);
        foreach (var forged in (string[])[
            $"/v1/pictures/{job}/0{address.Query}", // of the same job, and not the same address
            $"/v1/archives/job_0123456789abcdef0123456789abcdef{address.Query}",
            $"{address.AbsolutePath}{address.Query}&signature=x",
            $"{address.AbsolutePath}{address.Query}&expires=9999999999",
            $"{address.AbsolutePath}{address.Query.Replace("expires=", "expires=9", StringComparison.Ordinal)}",
            $"{address.AbsolutePath}/{address.Query}"])
        {
            using var refused = await _gateway.Http.GetAsync(forged, Cancellation);
            Assert.True(refused.StatusCode is HttpStatusCode.Forbidden, $"{forged}: {refused.StatusCode}");
        }

        // Sent again after the job was deleted, a good one opens nothing.
        await _gateway.SendAsync(new(HttpMethod.Delete, $"/v1/jobs/{job}"), 204);
        await _gateway.GetAsync(address.PathAndQuery, 404);
    }

    [Fact]
    public async Task Gateway_WithoutKeys_AnswersOnlyToThisMachinesNames_AndChangesNothingForOtherSites()
    {
        using var rebound = new HttpRequestMessage(HttpMethod.Get, "/v1/jobs");
        rebound.Headers.Host = "evil.example";
        var error = (await _gateway.SendAsync(rebound, 421)).GetProperty("error");
        Assert.Equal("invalid_host", error.GetProperty("code").GetString());

        using var foreign = new HttpRequestMessage(HttpMethod.Post, Jobs) { Content = new StringContent("{}", Encoding.UTF8, "application/x-ndjson") };
        foreign.Headers.Add("Origin", "https://evil.example");
        Assert.Equal("cross_site_request", (await _gateway.SendAsync(foreign, 403)).GetProperty("error").GetProperty("code").GetString());

        // With keys both may come: a key is what lets them in.
        await File.WriteAllTextAsync(_folder.PathTo("key"), "a-bootstrap-key-of-32-characters-and-more", Cancellation);
        await using var keyed = await GatewayCluster.StartAsync(_gateway.Cluster, options: new() { BootstrapKeyFile = _folder.PathTo("key") });
        using var named = new HttpRequestMessage(HttpMethod.Get, "/v1/jobs");
        (named.Headers.Host, named.Headers.Authorization) = ("pictures.example.org", new("Bearer", "a-bootstrap-key-of-32-characters-and-more"));
        await keyed.SendAsync(named, 200);
    }

    private async Task<JsonElement> RefusedAsync(string path, string body) => (await _gateway.SendAsync(
        new(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") }, 400)).GetProperty("error");
}
