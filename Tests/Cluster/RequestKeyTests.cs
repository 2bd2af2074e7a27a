using System.Net;
using System.Text;
using System.Text.Json;
using Emu3.Grains.Dispatch;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Requests that somebody waits for, sent again under their <c>Idempotency-Key</c>: one job, whatever becomes of the connections.</summary>
[Trait("Suite", "Cluster")]
public sealed class RequestKeyTests : IDisposable
{
    private const string Images = "/v1/images/generations";
    private const string Chat = "/v1/chat/completions";
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Images, """{"prompt":"a red star","n":2}""", 2)]
    [InlineData(Images, """{"prompt":"a red star","stream":true,"partial_images":0}""", 1)]
    [InlineData(Chat, """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":9}""", 1)]
    [InlineData(Chat, """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":9,"stream":true,"stream_options":{"include_usage":true}}""", 1)]
    public async Task Request_SentTwiceAtOnceAndOnceMore_IsOneJobWithEqualAnswers(string path, string body, int items)
    {
        await using var gateway = await GatewayCluster.StartAsync(new FakeEngineOptions { TimePerToken = TimeSpan.FromMilliseconds(2) });

        var answers = await Task.WhenAll(SendAsync(gateway, path, body, "twice"), SendAsync(gateway, path, body, "twice"));
        var later = await SendAsync(gateway, path, body, "twice");

        Assert.Equal(items, gateway.Cluster.Engine.Finished.Count);
        Assert.All(gateway.Cluster.Engine.Finished.Values, times => Assert.Equal(1, times));
        Assert.All((string[])[.. answers, later], answer => Assert.Equal(Whole(answers[0]), Whole(answer)));

        // Under no key and under another it is another job.
        await SendAsync(gateway, path, body, null);
        await SendAsync(gateway, path, body, "thrice");
        Assert.Equal(3 * items, gateway.Cluster.Engine.Finished.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_WhoseClientIsCutOff_GoesOnAndIsFoundAgain(bool isStreamed)
    {
        await using var gateway = await GatewayCluster.StartAsync(new FakeEngineOptions { TokensInStep = 1, TimePerToken = TimeSpan.FromMilliseconds(5) });
        var body = $$"""{"messages":[{"role":"user","content":"Hi"}],"max_tokens":300,"stream":{{(isStreamed ? "true" : "false")}}}""";
        using (var cut = CancellationTokenSource.CreateLinkedTokenSource(Cancellation))
        {
            var first = SendAsync(gateway, Chat, body, "cut off", cut.Token);
            while (gateway.Cluster.Engine.Load.GeneratedTokenCount < 5) await Task.Delay(5, Cancellation);
            await cut.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        }

        var again = await SendAsync(gateway, Chat, body, "cut off");

        Assert.Single(gateway.Cluster.Engine.Finished);
        Assert.Equal(0, gateway.Cluster.Engine.ResumedCount);
        Assert.Equal(string.Concat(Enumerable.Range(0, 300).Select(at => $"w{at} ")), TextOf(again, isStreamed));
    }

    [Fact]
    public async Task Key_WithAnotherRequest_IsRefusedByName()
    {
        await using var gateway = await GatewayCluster.StartAsync();
        const string First = """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":9}""";
        await SendAsync(gateway, Chat, First, "mine");

        foreach (var (path, body) in ((string, string)[])[(Chat, First.Replace("9", "8", StringComparison.Ordinal)), (Images, """{"prompt":"p"}""")])
        {
            using var answer = await PostAsync(gateway, path, body, "mine", Cancellation);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
            var error = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync(Cancellation)).GetProperty("error");
            Assert.Equal("idempotency_conflict", error.GetProperty("code").GetString());
            Assert.Contains("Idempotency-Key", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }

        using var tooLong = await PostAsync(gateway, Chat, First, new string('k', 256), Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, tooLong.StatusCode);
        Assert.Single(gateway.Cluster.Engine.Finished);
    }

    [Fact]
    public async Task Key_OfARequestThatWasRefused_IsFree()
    {
        await using var gateway = await GatewayCluster.StartAsync();
        using var refused = await PostAsync(gateway, Images, """{"prompt":"too long"}""", "again", Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        await SendAsync(gateway, Images, """{"prompt":"short"}""", "again");
    }

    [Fact]
    public async Task Request_ThatFailedThroughNoFaultOfItsOwn_IsMadeAnew()
    {
        var sick = 1;
        await using var gateway = await GatewayCluster.StartAsync(
            new FakeEngineOptions { OnToken = (_, _) => { if (Volatile.Read(ref sick) == 1) throw new InvalidOperationException("sick"); } });
        using var failed = await PostAsync(gateway, Images, """{"prompt":"p"}""", "again", Cancellation);
        Assert.Equal(HttpStatusCode.InternalServerError, failed.StatusCode);
        Volatile.Write(ref sick, 0);
        var answer = await SendAsync(gateway, Images, """{"prompt":"p"}""", "again");
        Assert.Equal(answer, await SendAsync(gateway, Images, """{"prompt":"p"}""", "again"));
        Assert.Single(gateway.Cluster.Engine.Finished);
    }

    [Fact]
    public async Task Request_ThatNobodyComesBackFor_IsCancelled_AndMadeAnewForWhoComesLater_AndItsKeyIsFreeInTheEnd()
    {
        using var isGivenUp = new ManualResetEventSlim();
        var cluster = await EmbeddedCluster.StartAsync(
            _folder.FullPath,
            new FakeEngineOptions
            {
                TokensInStep = 1,
                TimePerToken = TimeSpan.FromMilliseconds(2),
                // The first answer does not come to its end before it is given up.
                OnToken = (_, at) => { if (at == 20) isGivenUp.Wait(TimeSpan.FromMinutes(1), CancellationToken.None); },
            },
            jobs: new JobOptions { KeyedPatience = TimeSpan.FromSeconds(1), InteractiveKeep = TimeSpan.FromSeconds(1) },
            dispatcher: new DispatcherOptions { RoundPeriod = TimeSpan.FromSeconds(1) });
        await using var gateway = await GatewayCluster.StartAsync(cluster);
        const string Body = """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":120}""";
        using (var cut = CancellationTokenSource.CreateLinkedTokenSource(Cancellation))
        {
            var first = SendAsync(gateway, Chat, Body, "left", cut.Token);
            while (cluster.Engine.Load.GeneratedTokenCount < 5) await Task.Delay(5, Cancellation);
            await cut.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        }

        var given = (await cluster.Client.GetGrain<IRequestKey>(IRequestKey.KeyOf("default", "left")).Find())!.Job;
        while (true)
        {
            // Not by the job's own door: whoever asks there, waits for it.
            var item = await cluster.Client.GetGrain<IJobShard>(given.Shard(0)).GetItem(0);
            if (item!.Status == ItemStatus.Cancelled) break;
            await Task.Delay(20, Cancellation);
        }

        isGivenUp.Set();
        Assert.Contains("w119 ", TextOf(await SendAsync(gateway, Chat, Body, "left"), isStreamed: false), StringComparison.Ordinal);
        while (true)
        {
            using var other = await PostAsync(gateway, Chat, Body.Replace("120", "3", StringComparison.Ordinal), "left", Cancellation);
            if (other.StatusCode == HttpStatusCode.OK) return;
            Assert.Equal(HttpStatusCode.UnprocessableEntity, other.StatusCode);
            await Task.Delay(100, Cancellation);
        }
    }

    private static async Task<HttpResponseMessage> PostAsync(GatewayCluster gateway, string path, string body, string? key, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        if (key is not null) request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return await gateway.Http.SendAsync(request, cancellationToken);
    }

    private static async Task<string> SendAsync(GatewayCluster gateway, string path, string body, string? key, CancellationToken? cancellationToken = null)
    {
        using var answer = await PostAsync(gateway, path, body, key, cancellationToken ?? Cancellation);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken ?? Cancellation);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, text);
        return text;
    }

    /// <summary>An answer as it is; of a stream, all pieces together, since where it is cut is a matter of time.</summary>
    private static string Whole(string answer)
    {
        if (!answer.Contains("chat.completion.chunk", StringComparison.Ordinal)) return answer;
        var events = EventsOf(answer).ToList();
        return $"{events[0].GetProperty("id")} {events[0].GetProperty("created")} {TextOf(answer, isStreamed: true)} {events[^1].GetProperty("usage")}";
    }

    private static string TextOf(string answer, bool isStreamed) => isStreamed
        ? string.Concat(EventsOf(answer).Select(told => told.GetProperty("choices")).Where(choices => choices.GetArrayLength() > 0)
            .Select(choices => choices[0].GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() : ""))
        : JsonSerializer.Deserialize<JsonElement>(answer).GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;

    private static IEnumerable<JsonElement> EventsOf(string stream) => stream.Split('\n')
        .Where(line => line.StartsWith("data: {", StringComparison.Ordinal)).Select(line => JsonSerializer.Deserialize<JsonElement>(line["data: ".Length..]));
}
