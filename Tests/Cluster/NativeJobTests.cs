using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Emu3.Inference;
using Emu3.Tests.Fakes;
using Emu3.Tests.Unit.Grains.Interfaces.Requests;

namespace Emu3.Tests.Cluster;

[Trait("Suite", "Cluster")]
public sealed class NativeJobTests : IAsyncLifetime
{
    private GatewayCluster _gateway = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _gateway = await GatewayCluster.StartAsync();

    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    [Fact]
    public async Task Job_Of300Items_TellsEachOutcomeOnceThroughReconnects()
    {
        var job = await _gateway.SubmitAsync(
            ["""{"seed":"18446744073709551615","metadata":{"who":"me"},"defaults":{"area":256}}""", .. Enumerable.Range(0, 300).Select(i => $$"""{"id":"i{{i}}","prompt":"p{{i}}"}""")]);
        var id = job.GetProperty("id").GetString()!;
        Assert.Equal("18446744073709551615", job.GetProperty("seed").GetString());
        Assert.Equal(300, job.GetProperty("counts").GetProperty("total").GetInt32());

        var told = new List<int>();
        string? cursor = null;
        var isDone = false;
        while (!isDone)
        {
            var taken = 0;
            await foreach (var (type, data, eventId) in _gateway.EventsAsync($"/v1/jobs/{id}/events", cursor))
            {
                cursor = eventId ?? cursor;
                if (type == "item") told.Add(data.GetProperty("outcome").GetProperty("index").GetInt32());
                isDone = type == "done";
                if (++taken == 97) break; // the connection is lost
            }
        }

        Assert.Equal(Enumerable.Range(0, 300), told.Order());
        var ended = await _gateway.GetAsync($"/v1/jobs/{id}");
        Assert.Equal("completed", ended.GetProperty("status").GetString());
        Assert.Equal(300, ended.GetProperty("counts").GetProperty("done").GetInt32());
        Assert.Equal("me", ended.GetProperty("metadata").GetProperty("who").GetString());
        Assert.Equal(Enumerable.Range(0, 300), (await ReadPages(id, 71)).Select(outcome => outcome.GetProperty("index").GetInt32()).Order());
    }

    [Fact]
    public async Task Items_OfAJob_ComeInTheOrderOfTheRequest_EndedOrNot()
    {
        await using var gateway = await GatewayCluster.StartAsync(new FakeEngineOptions
        {
            OnToken = (request, _) => { if (request is ImageRequest { Prompt: "sick" }) throw new InvalidOperationException("sick"); },
        });
        var id = (await gateway.SubmitAsync(["{}", .. Enumerable.Range(0, 600).Select(i => $$"""{"id":"i{{i}}","prompt":"{{(i is 3 or 555 ? "sick" : "p")}}","seed":{{i}}}""")])).GetProperty("id").GetString()!;
        var before = await gateway.GetAsync($"/v1/jobs/{id}/items?from=590&limit=100"); // whatever has ended by now
        Assert.Equal(Enumerable.Range(590, 10), IndicesOf(before));
        Assert.Equal(JsonValueKind.Null, before.GetProperty("next").ValueKind);
        await gateway.WaitAsync(id);

        var indices = new List<int>();
        for (int? from = 0; from is not null;)
        {
            var page = await gateway.GetAsync($"/v1/jobs/{id}/items?from={from}&limit=101");
            indices.AddRange(IndicesOf(page));
            from = page.GetProperty("next").Deserialize<int?>();
        }

        Assert.Equal(Enumerable.Range(0, 600), indices);
        var failed = await gateway.GetAsync($"/v1/jobs/{id}/items?status=failed");
        Assert.Equal([3, 555], IndicesOf(failed));
        Assert.All(failed.GetProperty("data").EnumerateArray(), item => Assert.NotEmpty(item.GetProperty("error").GetProperty("message").GetString()!));
        Assert.Empty(IndicesOf(await gateway.GetAsync($"/v1/jobs/{id}/items?status=pending")));
        Assert.Empty(IndicesOf(await gateway.GetAsync($"/v1/jobs/{id}/items?from=600")));
        foreach (var query in (string[])["from=-1", "from=x", "limit=0", "limit=1001", "status=lost"]) await gateway.GetAsync($"/v1/jobs/{id}/items?{query}", 400);
        await gateway.GetAsync("/v1/jobs/job_1/items", 404);

        static int[] IndicesOf(JsonElement page) => [.. page.GetProperty("data").EnumerateArray().Select(item => item.GetProperty("index").GetInt32())];
    }

    private async Task<List<JsonElement>> ReadPages(string job, int limit)
    {
        var outcomes = new List<JsonElement>();
        for (var (after, hasMore) = ("", true); hasMore;)
        {
            var page = await _gateway.GetAsync($"/v1/jobs/{job}/results?limit={limit}&after={after}");
            Assert.InRange(page.GetProperty("data").GetArrayLength(), 1, limit);
            outcomes.AddRange(page.GetProperty("data").EnumerateArray());
            (after, hasMore) = (page.GetProperty("next").GetString()!, page.GetProperty("has_more").GetBoolean());
        }
        return outcomes;
    }

    /// <summary>What only the engine finds, by breaking, is one item's failure and not the submission's.</summary>
    [Fact]
    public async Task Job_WithAnItemThatBreaksTheMeasuring_FailsThatItemAlone()
    {
        var job = await _gateway.SubmitAsync(["{}", """{"id":"odd","prompt":"beyond measure"}""", """{"id":"good","prompt":"p"}"""]);
        var ended = await _gateway.WaitAsync(job.GetProperty("id").GetString()!);
        Assert.Equal((1, 1), (ended.GetProperty("counts").GetProperty("done").GetInt32(), ended.GetProperty("counts").GetProperty("failed").GetInt32()));
    }

    [Fact]
    public async Task Job_WithBadLine17_IsRefusedWithItsNumberAndNothingIsThere()
    {
        var lines = Enumerable.Range(1, 300).Select(i => i switch
        {
            17 => """{"prompt":"p","ratio":"4/3"}""",
            40 => "{\"prompt\":",
            290 => """{"id":"1","prompt":"the id of line 1"}""",
            291 => """{"prompt":"too long"}""",
            _ => $$"""{"prompt":"p{{i}}","prompt_suffix":""}""",
        });
        var refusal = (await _gateway.SubmitAsync(["{}", .. lines], 400, key: "bad")).GetProperty("error");

        Assert.Equal("invalid_items", refusal.GetProperty("code").GetString());
        Assert.Equal("items[16].ratio", refusal.GetProperty("param").GetString());
        Assert.Equal([17, 40, 290, 291], refusal.GetProperty("line_errors").EnumerateArray().Select(error => error.GetProperty("line").GetInt32()));
        await _gateway.GetAsync($"/v1/jobs/{Emu3.Grains.Interfaces.JobId.FromIdempotencyKey("default", "bad")}", 404);
        // The key is free again.
        await _gateway.SubmitAsync(["{}", """{"prompt":"p"}"""], key: "bad");
    }

    [Fact]
    public async Task Job_Validated_TellsWhatItTakesAndCreatesNothing()
    {
        var told = await _gateway.SubmitAsync(
            ["{}", """{"prompt":"p","n":3}""", """{"prompt":"p","steps":1}""", """{"messages":[{"role":"user","content":"x"}],"max_tokens":9}"""], 200, query: "?validate=true");
        Assert.Equal("job.validation", told.GetProperty("object").GetString());
        Assert.Equal((3, 4), (told.GetProperty("items").GetInt32(), told.GetProperty("outputs").GetInt32()));
        Assert.Equal(2, Assert.Single(told.GetProperty("line_errors").EnumerateArray()).GetProperty("line").GetInt32());
        var positions = told.GetProperty("positions");
        Assert.Equal((7 + 75, 3 * (7 + 75) + 7 + 9, 4096),
            (positions.GetProperty("max").GetInt32(), positions.GetProperty("sum").GetInt32(), positions.GetProperty("limit").GetInt32()));
        Assert.True(told.GetProperty("estimated_bytes").GetInt64() > 0);
    }

    [Fact]
    public async Task Job_UnderOneKey_IsOneJobAndOtherContentIsRefused()
    {
        string[] lines = ["""{"model":"fake"}""", """{"id":"a","prompt":"p"}""", """{"id":"b","prompt":"p"}"""];
        var first = await _gateway.SubmitAsync(lines, key: "k");
        var second = await _gateway.SubmitAsync(lines, key: "k");
        Assert.Equal(first.GetProperty("id").GetString(), second.GetProperty("id").GetString());
        Assert.Equal(first.GetProperty("seed").GetString(), second.GetProperty("seed").GetString());
        var refusal = await _gateway.SubmitAsync([.. lines[..2], """{"id":"b","prompt":"q"}"""], 422, key: "k");
        Assert.Equal("idempotency_conflict", refusal.GetProperty("error").GetProperty("code").GetString());
        Assert.NotEqual(first.GetProperty("id").GetString(), (await _gateway.SubmitAsync(lines, key: "other")).GetProperty("id").GetString());
    }

    [Fact]
    public async Task Job_AsOneDocument_IsTheSameAsLines()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs")
        {
            Content = new StringContent("""{"priority":"high","items":[{"prompt":"p"},{"prompt":"q","n":2}]}""", null, "application/json"),
        };
        var job = await _gateway.SendAsync(request, 202);
        Assert.Equal(3, job.GetProperty("counts").GetProperty("total").GetInt32());
        Assert.Equal("high", job.GetProperty("priority").GetString());
        Assert.Equal("completed", (await _gateway.WaitAsync(job.GetProperty("id").GetString()!)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Content_OfDoneItem_IsServedAndReleased()
    {
        var id = (await _gateway.SubmitAsync(["{}", """{"id":"a","prompt":"p","seed":77,"size":"64x64","output_format":"webp"}"""])).GetProperty("id").GetString()!;
        await _gateway.WaitAsync(id);
        var outcome = await _gateway.GetAsync($"/v1/jobs/{id}/items/0");
        Assert.Equal(("done", "77", 64, 64, "webp", "image", "stop"), (
            outcome.GetProperty("status").GetString(), outcome.GetProperty("seed").GetString(), outcome.GetProperty("width").GetInt32(),
            outcome.GetProperty("height").GetInt32(), outcome.GetProperty("format").GetString(), outcome.GetProperty("kind").GetString(),
            outcome.GetProperty("finish_reason").GetString()));

        var path = $"/v1/jobs/{id}/items/0/content";
        using var response = await _gateway.Http.GetAsync(path, Cancellation);
        var file = await response.Content.ReadAsByteArrayAsync(Cancellation);
        Assert.Equal("image/webp", response.Content.Headers.ContentType?.MediaType);
        var hash = Convert.ToHexStringLower(SHA256.HashData(file));
        Assert.Equal(hash, outcome.GetProperty("file_sha256").GetString());
        Assert.Equal($"\"{hash}\"", response.Headers.ETag?.Tag);

        using var known = new HttpRequestMessage(HttpMethod.Get, path);
        known.Headers.IfNoneMatch.Add(response.Headers.ETag!);
        using (var unchanged = await _gateway.Http.SendAsync(known, Cancellation)) Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);

        for (var times = 0; times < 2; times++) await _gateway.SendAsync(new(HttpMethod.Delete, path), 204);
        Assert.Equal("content_released", (await _gateway.GetAsync(path, 410)).GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Question_OfDoneItem_TellsItsAnswer()
    {
        var id = (await _gateway.SubmitAsync(["{}", $$"""{"image":"{{DataUrls.Png(4, 4)}}","question":"What?","max_tokens":3}"""])).GetProperty("id").GetString()!;
        await _gateway.WaitAsync(id);
        var outcome = Assert.Single((await _gateway.GetAsync($"/v1/jobs/{id}/results")).GetProperty("data").EnumerateArray());
        Assert.Equal(("chat", "What?", "w0 w1 w2 ", 3), (
            outcome.GetProperty("kind").GetString(), outcome.GetProperty("question").GetString(), outcome.GetProperty("text").GetString(),
            outcome.GetProperty("usage").GetProperty("completion_tokens").GetInt32()));
    }

    [Fact]
    public async Task Job_CancelledAndDeleted_IsGone()
    {
        await using var slow = await GatewayCluster.StartAsync(new FakeEngineOptions { TimePerToken = TimeSpan.FromMilliseconds(20) });
        var id = (await slow.SubmitAsync(["{}", .. Enumerable.Range(0, 40).Select(i => $$"""{"prompt":"p{{i}}"}""")])).GetProperty("id").GetString()!;
        Assert.Equal("job_not_ended", (await slow.SendAsync(new(HttpMethod.Delete, $"/v1/jobs/{id}"), 400)).GetProperty("error").GetProperty("code").GetString());
        await slow.GetAsync($"/v1/jobs/{id}/items/39/content", 404);

        await slow.SendAsync(new(HttpMethod.Post, $"/v1/jobs/{id}/cancel"), 200);
        var ended = await slow.WaitAsync(id);
        Assert.Equal("cancelled", ended.GetProperty("status").GetString());
        Assert.Equal(40, ended.GetProperty("counts").GetProperty("cancelled").GetInt32() + ended.GetProperty("counts").GetProperty("done").GetInt32());
        await slow.SendAsync(new(HttpMethod.Post, $"/v1/jobs/{id}/cancel"), 200);

        await slow.SendAsync(new(HttpMethod.Delete, $"/v1/jobs/{id}"), 204);
        await slow.GetAsync($"/v1/jobs/{id}", 404);
        await slow.GetAsync($"/v1/jobs/{id}/events", 404);
    }

    [Fact]
    public async Task Tokens_OfOneItem_ComeInOrderAndGoOnWhereTheReaderWas()
    {
        await using var slow = await GatewayCluster.StartAsync(new FakeEngineOptions { TimePerToken = TimeSpan.FromMilliseconds(20) });
        var id = (await slow.SubmitAsync(["{}", """{"prompt":"p"}"""])).GetProperty("id").GetString()!;
        var tokens = new List<int>();
        string? last = null;
        var isDone = false;
        for (var connection = 0; !isDone; connection++)
        {
            await foreach (var (type, data, eventId) in slow.EventsAsync($"/v1/jobs/{id}/items/0/tokens", last))
            {
                last = eventId ?? last;
                isDone = type == "done";
                if (type != "tokens") continue;
                Assert.Equal(tokens.Count, data.GetProperty("offset").GetInt32());
                tokens.AddRange(data.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32()));
                if (connection == 0) break;
            }
        }
        Assert.Equal(75, tokens.Count);
    }

    [Fact]
    public async Task Unknown_JobItemOrModel_Is404WithItsName()
    {
        await _gateway.GetAsync("/v1/jobs/job_0123456789abcdef0123456789abcdef", 404);
        await _gateway.GetAsync("/v1/jobs/..%2f..%2fetc", 404);
        var id = (await _gateway.SubmitAsync(["{}", """{"prompt":"p"}"""])).GetProperty("id").GetString()!;
        Assert.Equal("item_not_found", (await _gateway.GetAsync($"/v1/jobs/{id}/items/1", 404)).GetProperty("error").GetProperty("code").GetString());
        var refusal = (await _gateway.SubmitAsync(["""{"model":"gpt-image-1"}""", """{"prompt":"p"}"""], 404)).GetProperty("error");
        Assert.Equal(("model", "model_not_found"), (refusal.GetProperty("param").GetString(), refusal.GetProperty("code").GetString()));
        Assert.Contains("fake", refusal.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_AndHealth_TellWhatIsLoaded()
    {
        var model = Assert.Single((await _gateway.GetAsync("/v1/models")).GetProperty("data").EnumerateArray());
        Assert.Equal(("fake", 1, 4096), (
            model.GetProperty("id").GetString(), model.GetProperty("workers").GetInt32(), model.GetProperty("emu3").GetProperty("max_positions").GetInt32()));
        Assert.Equal("fake", (await _gateway.GetAsync("/v1/models/owner/fake")).GetProperty("id").GetString());
        Assert.Equal("ok", (await _gateway.GetAsync("/health")).GetProperty("status").GetString());
    }
}
