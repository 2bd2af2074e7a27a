using System.Text;
using System.Text.Json;
using Emu3.Grains.Interfaces;
using Emu3.Inference;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>The usage ledger equals what the jobs say, by key, whatever was killed on the way.</summary>
[Trait("Suite", "Cluster")]
public sealed class UsageTests : IDisposable
{
    private const string Bootstrap = "a-bootstrap-key-of-32-characters-and-more";
    private readonly TemporaryFolder _folder = new();
    private volatile bool _isSick = true;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Ledger_AfterAMixedRunWithAKilledClusterAndGateway_EqualsWhatTheJobsSay()
    {
        await File.WriteAllTextAsync(_folder.PathTo("key"), Bootstrap, Cancellation);
        string a, b, first;
        await using (var before = await StartAsync(TimeSpan.FromMilliseconds(1)))
        {
            a = await CreateAsync(before, """{"name":"a","tenant":"a"}""");
            b = await CreateAsync(before, """{"name":"b","tenant":"a"}""");
            first = await SubmitAsync(before, a, 40);
            while ((await GetAsync(before, a, $"/v1/jobs/{first}")).GetProperty("counts").GetProperty("done").GetInt32() < 3) await Task.Delay(20, Cancellation);
            await before.Cluster.CrashAsync();
        }

        await using var gateway = await StartAsync(TimeSpan.Zero);
        var second = await SubmitAsync(gateway, b, 3, """{"id":"q","messages":[{"role":"user","content":"Hello?"}],"max_tokens":5}""", """{"prompt":"sick"}""");
        await EndAsync(gateway, a, first);
        await EndAsync(gateway, b, second);
        var drawn = await SendAsync(gateway, b, HttpMethod.Post, "/v1/images/generations", """{"prompt":"p","n":2}""");
        var told = await SendAsync(gateway, b, HttpMethod.Post, "/v1/chat/completions", """{"messages":[{"role":"user","content":"Hello?"}],"max_tokens":4}""");

        var (itemsOfA, itemsOfB) = (await SumAsync(gateway, a, first), await SumAsync(gateway, b, second));
        var lines = (await GetAsync(gateway, a, "/v1/usage")).GetProperty("data").EnumerateArray().ToList();
        Assert.Equal(2, lines.Count);
        var (lineOfA, lineOfB) = (lines.Single(line => line.GetProperty("jobs").GetInt32() == 1), lines.Single(line => line.GetProperty("jobs").GetInt32() == 3));
        Assert.Equal((40, 0), (itemsOfA.Images, itemsOfA.Answers));
        Assert.Equal(itemsOfA, UsageFigures.Read(lineOfA));
        Assert.Equal((3, 1), (itemsOfB.Images, itemsOfB.Answers));
        var (usageOfDrawn, usageOfTold) = (drawn.GetProperty("usage"), told.GetProperty("usage"));
        Assert.Equal(
            new ItemsUsage(
                itemsOfB.Images + 2, itemsOfB.Answers + 1,
                itemsOfB.PromptTokens + usageOfDrawn.GetProperty("input_tokens").GetInt64() + usageOfTold.GetProperty("prompt_tokens").GetInt64(),
                itemsOfB.GeneratedTokens + usageOfDrawn.GetProperty("output_tokens").GetInt64() + usageOfTold.GetProperty("completion_tokens").GetInt64(), 0),
            UsageFigures.Read(lineOfB));
        Assert.True(lineOfA.GetProperty("device_seconds").GetDouble() > 0);

        // What failed is begun anew: its end takes the place of the one before.
        _isSick = false;
        await SendAsync(gateway, b, HttpMethod.Post, $"/v1/jobs/{second}/retry_failed");
        await EndAsync(gateway, b, second);
        await gateway.Cluster.Client.LeavesTheIndexAsync(new(second), Cancellation);
        var byJob = (await GetAsync(gateway, a, "/v1/usage?by=job")).GetProperty("data").EnumerateArray().Single(line => line.GetProperty("job").GetString() == second);
        Assert.Equal(await SumAsync(gateway, b, second), UsageFigures.Read(byJob));
        Assert.Equal(4, byJob.GetProperty("images").GetInt32());

        // A deleted job stays in the ledger; another tenant sees none of it; an admin sees all.
        await SendAsync(gateway, a, HttpMethod.Delete, $"/v1/jobs/{first}");
        Assert.Equal(itemsOfA, UsageFigures.Read((await GetAsync(gateway, a, "/v1/usage?by=job")).GetProperty("data").EnumerateArray().Single(line => line.GetProperty("job").GetString() == first)));
        var c = await CreateAsync(gateway, """{"name":"c","tenant":"c"}""");
        Assert.Empty((await GetAsync(gateway, c, "/v1/usage")).GetProperty("data").EnumerateArray());
        Assert.Equal(2, (await GetAsync(gateway, Bootstrap, "/v1/usage")).GetProperty("data").GetArrayLength());

        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/usage");
        request.Headers.Authorization = new("Bearer", Bootstrap);
        request.Headers.Accept.ParseAdd("text/csv");
        using var csv = await gateway.Http.SendAsync(request, Cancellation);
        Assert.Equal("text/csv", csv.Content.Headers.ContentType?.MediaType);
        var rows = (await csv.Content.ReadAsStringAsync(Cancellation)).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("day,tenant,key,job,jobs,images,answers,prompt_tokens,generated_tokens,device_seconds", rows[0]);
        Assert.Contains(rows, row => row.Contains($",a,{lineOfA.GetProperty("key").GetString()},,1,40,0,{itemsOfA.PromptTokens},{itemsOfA.GeneratedTokens},", StringComparison.Ordinal));
    }

    private async Task<GatewayCluster> StartAsync(TimeSpan timePerToken)
    {
        var engine = new FakeEngineOptions { TimePerToken = timePerToken, OnToken = FailIfSick };
        return await GatewayCluster.StartAsync(
            await EmbeddedCluster.StartAsync(_folder.PathTo("data"), engine), options: new() { BootstrapKeyFile = _folder.PathTo("key") });
    }

    private void FailIfSick(GenerationRequest request, int index)
    {
        if (_isSick && request is ImageRequest { Prompt: "sick" }) throw new InvalidOperationException("sick");
    }

    private static async Task<string> CreateAsync(GatewayCluster gateway, string body) =>
        (await SendAsync(gateway, Bootstrap, HttpMethod.Post, "/v1/admin/keys", body)).GetProperty("key").GetString()!;

    private static async Task<string> SubmitAsync(GatewayCluster gateway, string key, int pictures, params string[] others)
    {
        var lines = Enumerable.Range(0, pictures).Select(number => $$"""{"prompt":"picture {{number}}"}""").Prepend("{}").Concat(others);
        return (await SendAsync(gateway, key, HttpMethod.Post, "/v1/jobs", string.Join('\n', lines), "application/x-ndjson")).GetProperty("id").GetString()!;
    }

    /// <summary>Completes when the job has ended and its end is in the ledger, which it is before the job leaves the index.</summary>
    private static async Task EndAsync(GatewayCluster gateway, string key, string job)
    {
        while ((await GetAsync(gateway, key, $"/v1/jobs/{job}")).GetProperty("status").GetString() != "completed") await Task.Delay(20, Cancellation);
        await gateway.Cluster.Client.LeavesTheIndexAsync(new(job), Cancellation);
    }

    /// <summary>What the outcomes of a job say.</summary>
    private static async Task<ItemsUsage> SumAsync(GatewayCluster gateway, string key, string job) =>
        UsageFigures.Sum((await GetAsync(gateway, key, $"/v1/jobs/{job}/results")).GetProperty("data").EnumerateArray());

    private static Task<JsonElement> GetAsync(GatewayCluster gateway, string key, string path) => SendAsync(gateway, key, HttpMethod.Get, path);

    private static async Task<JsonElement> SendAsync(
        GatewayCluster gateway, string key, HttpMethod method, string path, string? body = null, string contentType = "application/json")
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, contentType) };
        request.Headers.Authorization = new("Bearer", key);
        using var response = await gateway.Http.SendAsync(request, Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.IsSuccessStatusCode, $"{method} {path}: {(int)response.StatusCode}: {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }
}
