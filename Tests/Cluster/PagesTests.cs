using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Emu3.Tests.Cluster;

/// <summary>What the gateway serves to browsers: its pages, and all files of a job at once.</summary>
[Trait("Suite", "Cluster")]
public sealed class PagesTests : IAsyncLifetime
{
    private GatewayCluster _gateway = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _gateway = await GatewayCluster.StartAsync();

    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    [Theory]
    [InlineData("/playground", "text/html", "data-page=\"playground\"")]
    [InlineData("/jobs", "text/html", "data-page=\"jobs\"")]
    [InlineData("/jobs/job_0123456789abcdef0123456789abcdef", "text/html", "data-page=\"job\"")]
    [InlineData("/playground", "text/html", "<a href=\"/reference\">API</a>")]
    [InlineData("/pages/emu3.js", "text/javascript", "playground")]
    [InlineData("/pages/emu3.css", "text/css", "focus-visible")]
    public async Task Page_IsServedUnderAStrictPolicyAndByItsTag(string path, string contentType, string content)
    {
        using var page = await _gateway.Http.GetAsync(path, Cancellation);
        Assert.Equal((HttpStatusCode.OK, contentType), (page.StatusCode, page.Content.Headers.ContentType?.MediaType));
        Assert.Contains(content, await page.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);

        using var again = new HttpRequestMessage(HttpMethod.Get, path);
        again.Headers.IfNoneMatch.Add(page.Headers.ETag!);
        using var unchanged = await _gateway.Http.SendAsync(again, Cancellation);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
    }

    [Fact]
    public async Task Archive_OfAJob_HasEachFileAndWhatCameOfEachItem()
    {
        // More than a page of outcomes, ids that are no file names, and one that fails.
        var lines = Enumerable.Range(0, 300).Select(item => JsonSerializer.Serialize(new { id = $"../{item}", prompt = "p", seed = item })).Prepend("{}");
        var job = (await _gateway.SubmitAsync(lines)).GetProperty("id").GetString()!;
        await _gateway.WaitAsync(job);

        var address = await _gateway.SendAsync(new(HttpMethod.Post, $"/v1/jobs/{job}/archive"), 200);
        foreach (var path in (string[])[$"/v1/jobs/{job}/archive", new Uri(address.GetProperty("url").GetString()!).PathAndQuery])
        {
            using var archive = new ZipArchive(new MemoryStream(await _gateway.Http.GetByteArrayAsync(path, Cancellation)));
            Assert.Equal(301, archive.Entries.Count);
            Assert.Contains(archive.Entries, entry => entry.FullName == "000007-7.png");
            using var metadata = new StreamReader(archive.GetEntry("metadata.jsonl")!.Open(), Encoding.UTF8);
            var outcomes = (await metadata.ReadToEndAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).ToList();
            Assert.Equal(Enumerable.Range(0, 300), outcomes.Select(outcome => outcome.GetProperty("index").GetInt32()).Order());
            Assert.All(outcomes, outcome => Assert.Equal("p", outcome.GetProperty("text").GetString()));
            Assert.All(outcomes, outcome => Assert.Contains(archive.Entries, entry => entry.FullName == outcome.GetProperty("file_name").GetString()));
            using var file = new MemoryStream();
            using (var entry = archive.GetEntry("000007-7.png")!.Open()) await entry.CopyToAsync(file, Cancellation);
            Assert.Equal(await _gateway.Http.GetByteArrayAsync($"/v1/jobs/{job}/items/7/content", Cancellation), file.ToArray());
        }

        await _gateway.GetAsync($"/v1/archives/{job}?expires=9999999999&signature=forged", 403);
        await _gateway.GetAsync("/v1/jobs/job_0123456789abcdef0123456789abcdef/archive", 404);
    }
}
