using System.Text;
using System.Text.Json;
using Emu3.Grains.Interfaces;
using Emu3.Inference;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Verbs of a job, the list of jobs, and workers, over HTTP.</summary>
[Trait("Suite", "Cluster")]
public sealed class JobVerbHttpTests : IAsyncLifetime
{
    private volatile bool _isSick = true;
    private GatewayCluster _gateway = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _gateway = await GatewayCluster.StartAsync(new FakeEngineOptions { TimePerToken = TimeSpan.FromMilliseconds(0.5), OnToken = FailIfSick });

    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    private void FailIfSick(GenerationRequest request, int index)
    {
        if (_isSick && request is ImageRequest { Prompt: var prompt } && prompt.StartsWith("sick", StringComparison.Ordinal)) throw new InvalidOperationException("sick");
    }

    [Fact]
    public async Task Job_PausedByItsFailures_SaysWhy_IsRetried_AndCompletes()
    {
        var id = await SubmitAsync("""{"max_failures":0}""", ["sick", .. Enumerable.Repeat("fine", 299)]);
        var paused = await UntilAsync(id, "paused");
        Assert.Equal("too_many_failures", paused.GetProperty("pause_reason").GetString());
        Assert.Equal((1, 0), (paused.GetProperty("attempt").GetInt32(), paused.GetProperty("max_failures").GetInt32()));
        Assert.Equal(id, Assert.Single((await _gateway.GetAsync("/v1/jobs?status=paused")).GetProperty("data").EnumerateArray()).GetProperty("id").GetString());

        _isSick = false;
        var retried = await AskAsync(id, "retry_failed");
        Assert.Equal(2, retried.GetProperty("attempt").GetInt32());
        Assert.Equal(JsonValueKind.Null, retried.GetProperty("pause_reason").ValueKind);
        var done = await _gateway.WaitAsync(id);
        Assert.Equal("completed", done.GetProperty("status").GetString());
        Assert.Equal(300, done.GetProperty("counts").GetProperty("done").GetInt32());
    }

    [Fact]
    public async Task Verbs_MayBeRepeated_AndWhatTheStateForbidsSaysWhatIsAllowed()
    {
        var id = await SubmitAsync("{}", [.. Enumerable.Repeat("a picture", 300)]);
        for (var time = 0; time < 2; time++)
        {
            var paused = await AskAsync(id, "pause");
            Assert.Equal(("paused", "requested"), (paused.GetProperty("status").GetString(), paused.GetProperty("pause_reason").GetString()));
        }

        Assert.Equal("low", (await AskAsync(id, "priority", body: """{"priority":"low"}""")).GetProperty("priority").GetString());
        Assert.Equal("priority", ErrorOf(await AskAsync(id, "priority", 400, """{"priority":"urgent"}"""), "param"));
        Assert.Equal("priority", ErrorOf(await AskAsync(id, "priority", 400, "{}"), "param"));
        for (var time = 0; time < 2; time++) Assert.Contains((await AskAsync(id, "resume")).GetProperty("status").GetString(), new[] { "queued", "running" });

        await AskAsync(id, "cancel");
        await UntilAsync(id, "cancelled");
        var refused = await AskAsync(id, "pause", 400);
        Assert.Equal("invalid_job_state", ErrorOf(refused, "code"));
        Assert.Equal($"Job {id} can't be paused: it is cancelled. Allowed now: delete.", ErrorOf(refused, "message"));
        Assert.Equal("cancelled", (await AskAsync(id, "cancel")).GetProperty("status").GetString());
        Assert.Equal("job_not_found", ErrorOf(await AskAsync(JobId.Draw().Value, "pause", 404), "code"));
        Assert.Equal("unknown_url", ErrorOf(await AskAsync(id, "stop", 404), "code"));
    }

    [Fact]
    public async Task Jobs_AreListed_NewestFirst_InPages_AlsoWhenOneOfThemIsDeleted()
    {
        var ids = new List<string>();
        for (var number = 0; number < 7; number++) ids.Insert(0, await SubmitAsync("{}", "a picture"));
        var (seen, after) = (new List<string>(), (string?)"");
        while (after is not null)
        {
            var page = await _gateway.GetAsync($"/v1/jobs?limit=3&after={after}");
            seen.AddRange(page.GetProperty("data").EnumerateArray().Select(job => job.GetProperty("id").GetString()!));
            after = page.GetProperty("next").GetString();
            Assert.Equal(after is not null, page.GetProperty("has_more").GetBoolean());
            if (seen.Count == 3)
            {
                await _gateway.WaitAsync(seen[2]);
                await _gateway.SendAsync(new(HttpMethod.Delete, $"/v1/jobs/{seen[2]}"), 204);
            }
        }

        Assert.Equal(ids, seen);
        Assert.Equal(ids.Except([seen[2]]).Skip(1), (await _gateway.GetAsync($"/v1/jobs?after={ids[0]}")).GetProperty("data").EnumerateArray().Select(job => job.GetProperty("id").GetString()));
        Assert.Equal("status", ErrorOf(await _gateway.GetAsync("/v1/jobs?status=new", 400), "param"));
        Assert.Equal("limit", ErrorOf(await _gateway.GetAsync("/v1/jobs?limit=0", 400), "param"));
        Assert.Equal("after", ErrorOf(await _gateway.GetAsync("/v1/jobs?after=x", 400), "param"));
    }

    [Fact]
    public async Task Workers_AreListed_AndAQuarantineIsLifted()
    {
        var worker = Assert.Single((await _gateway.GetAsync("/v1/workers")).GetProperty("data").EnumerateArray());
        var device = worker.GetProperty("device").GetString()!;
        Assert.Equal(("ready", 0), (worker.GetProperty("status").GetString(), worker.GetProperty("load").GetProperty("running").GetInt32()));

        var ledger = _gateway.Cluster.Client.GetGrain<IDeviceLedger>(0);
        for (var item = 0; item < 3; item++)
        {
            // Three silos died on the device, each with another item.
            var dead = new WorkerId($"127.0.0.1:{item + 1}@1/cpu");
            await ledger.Seen(dead, device);
            await ledger.DiedWith(dead, JobId.Draw(), item);
        }

        await _gateway.Cluster.Client.GetGrain<IDispatcher>(0).Wake();
        var quarantined = Assert.Single((await _gateway.GetAsync("/v1/workers")).GetProperty("data").EnumerateArray());
        Assert.Equal("quarantined", quarantined.GetProperty("status").GetString());
        Assert.NotEqual("", quarantined.GetProperty("detail").GetString());

        var released = await _gateway.SendAsync(new(HttpMethod.Post, $"/v1/workers/{Uri.EscapeDataString(device)}/release"), 200);
        Assert.Equal("ready", Assert.Single(released.GetProperty("data").EnumerateArray()).GetProperty("status").GetString());
        await _gateway.SendAsync(new(HttpMethod.Post, $"/v1/workers/{device}/release"), 200);
        Assert.Equal("worker_not_found", ErrorOf(await _gateway.SendAsync(new(HttpMethod.Post, "/v1/workers/nowhere/cpu/release"), 404), "code"));
    }

    private async Task<string> SubmitAsync(string job, params string[] prompts) =>
        (await _gateway.SubmitAsync([job, .. prompts.Select(prompt => $$"""{"prompt":"{{prompt}}"}""")])).GetProperty("id").GetString()!;

    private Task<JsonElement> AskAsync(string job, string verb, int expectedStatus = 200, string? body = null) =>
        _gateway.SendAsync(new(HttpMethod.Post, $"/v1/jobs/{job}/{verb}") { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") }, expectedStatus);

    private async Task<JsonElement> UntilAsync(string job, string status)
    {
        while (true)
        {
            var told = await _gateway.GetAsync($"/v1/jobs/{job}");
            if (told.GetProperty("status").GetString() == status) return told;
            Assert.Equal(JsonValueKind.Null, told.GetProperty("ended_at").ValueKind);
            await Task.Delay(20, Cancellation);
        }
    }

    private static string? ErrorOf(JsonElement answer, string field) => answer.GetProperty("error").GetProperty(field).GetString();
}
