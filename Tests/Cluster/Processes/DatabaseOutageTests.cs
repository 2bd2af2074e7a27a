using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Emu3.Benchmarks.Processes;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster.Processes;

/// <summary>What clients of a cluster are told while its database is down, and what becomes of their work.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class DatabaseOutageTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private int _number;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Requests_WhileTheDatabaseIsDown_AreAskedToBeRepeated_AndNothingAcceptedIsLost()
    {
        var (database, refusal) = await PostgresServer.TryStartAsync(_folder.PathTo("pg"));
        Assert.SkipWhen(database is null, refusal ?? "");
        await using var ending = database;
        await using var cluster = await ProcessCluster.StartAsync(new()
        {
            Folder = _folder.FullPath,
            WorkerCount = 1,
            WorkerSettings = ProcessClusterPlan.Simulated(slotCount: 8, TimeSpan.FromMilliseconds(5)),
            Postgres = database!.ConnectionString,
        }, Cancellation);
        using var http = new HttpClient { BaseAddress = cluster.GatewayAddresses[0], Timeout = TimeSpan.FromMinutes(2) };
        using var client = new JobClient(cluster.GatewayAddresses);
        var before = await client.SubmitAsync("before", Lines(60), Cancellation);
        var ledger = new Ledger(60);
        var some = new TaskCompletionSource();
        var follows = client.FollowAsync(before, seen =>
        {
            ledger.Take(seen);
            if (ledger.Outcomes.Count > 2) some.TrySetResult();
        }, Cancellation);
        await some.Task.WaitAsync(TimeSpan.FromMinutes(2), Cancellation);

        await database.StopAsync();
        var asked = await Task.WhenAll(
            AskAsync(http, HttpMethod.Post, "/v1/jobs"), AskAsync(http, HttpMethod.Post, "/v1/images/generations"), AskAsync(http, HttpMethod.Post, "/v1/chat/completions"),
            AskAsync(http, HttpMethod.Get, $"/v1/jobs/{before}"), AskAsync(http, HttpMethod.Get, "/v1/jobs"), AskAsync(http, HttpMethod.Get, "/v1/usage"),
            AskAsync(http, HttpMethod.Get, "/v1/jobs/job_0123456789abcdef0123456789abcdef"));
        Assert.Contains(asked, answer => answer.Status == HttpStatusCode.ServiceUnavailable);

        await database.StartAsync();
        await follows;
        Assert.Equal((60, 0, 0, 1), (ledger.Outcomes.Count, ledger.RepeatCount, ledger.GapCount, ledger.EndCount));
        Assert.All(ledger.Outcomes.Values, outcome => Assert.Equal("done", outcome.Status));
        var after = await client.SubmitAsync("after", Lines(5), Cancellation);
        foreach (var job in asked.Select(answer => answer.Job).OfType<string>().Append(after))
        {
            var last = new Ledger(job == after ? 5 : 3);
            await client.FollowAsync(job, last.Take, Cancellation);
            Assert.Equal(job == after ? 5 : 3, last.Outcomes.Count);
        }
    }

    /// <summary>Asks once. Whatever it is: an answer, or a request to come again and when.</summary>
    private async Task<(HttpStatusCode Status, string? Job)> AskAsync(HttpClient http, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        var prompt = $"while it is down {Interlocked.Increment(ref _number)}";
        if (path == "/v1/jobs" && method == HttpMethod.Post) request.Content = JsonContent.Create(new { items = Enumerable.Range(0, 3).Select(_ => new { prompt }) });
        else if (path == "/v1/images/generations") request.Content = JsonContent.Create(new { prompt });
        else if (method == HttpMethod.Post) request.Content = JsonContent.Create(new { messages = new[] { new { role = "user", content = prompt } }, max_tokens = 3 });
        using var answer = await http.SendAsync(request, Cancellation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        output.WriteLine($"{method} {path} → {(int)answer.StatusCode}, Retry-After {answer.Headers.RetryAfter}: {text}");
        if (answer.StatusCode == HttpStatusCode.ServiceUnavailable) Assert.InRange(answer.Headers.RetryAfter?.Delta ?? TimeSpan.Zero, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
        else Assert.True(answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.NotFound, $"{method} {path} → {(int)answer.StatusCode}: {text}");
        if (!answer.IsSuccessStatusCode || path != "/v1/jobs" || method != HttpMethod.Post) return (answer.StatusCode, null);
        using var job = JsonDocument.Parse(text);
        return (answer.StatusCode, job.RootElement.GetProperty("id").GetString());
    }

    private static IEnumerable<string> Lines(int count) => Enumerable.Range(0, count).Select(number => $$"""{"prompt":"picture {{number}}"}""").Prepend("{}");
}
