using System.Text;
using System.Text.Json;
using Emu3.Benchmarks.Processes;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>OpenAI streams over processes of their own: a worker that stops hands the answer over, a gateway that stops breaks it off.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class StreamLossTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Stream_GoesOnWhenItsWorkerStops_AndRaisesWhenItsGatewayDoes()
    {
        await using var cluster = await ProcessCluster.StartAsync(new()
        {
            Folder = _folder.FullPath,
            WorkerCount = 2,
            WorkerSettings = new Dictionary<string, string>
            {
                ["Engine:Kind"] = "simulated",
                ["Engine:Model"] = "simulated",
                ["Simulation:TimePerToken"] = "00:00:00.020",
            },
            GatewaySettings = new Dictionary<string, string> { ["Gateway:StopTimeout"] = "00:00:01" },
        }, Cancellation);
        using var http = new HttpClient { BaseAddress = cluster.GatewayAddresses[0], Timeout = Timeout.InfiniteTimeSpan };

        var stream = StreamReading.Begin(http, Question(500), "w8 ", Cancellation);
        await stream.Began;
        var worker = await BusyWorkerAsync(cluster, http);
        Assert.True(worker.Terminate());
        await worker.Ended.WaitAsync(Cancellation);
        var (text, failure) = await stream.End;
        Assert.True(failure is null, $"{failure}{cluster.TellLogs()}");
        Assert.Equal(string.Concat(Enumerable.Range(0, 500).Select(at => $"w{at} ")), ContentOf(text));
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);

        stream = StreamReading.Begin(http, Question(4000), "w8 ", Cancellation);
        await stream.Began;
        Assert.True(cluster.Gateways[0].Terminate());
        (text, failure) = await stream.End;
        Assert.NotNull(failure);
        Assert.Contains("gateway_stopping", text, StringComparison.Ordinal);
        await cluster.Gateways[0].Ended.WaitAsync(Cancellation);
        Assert.Equal(0, cluster.Gateways[0].ExitCode);
    }

    private static HttpRequestMessage Question(int tokens) => new(HttpMethod.Post, "/v1/chat/completions")
    {
        Content = new StringContent($$"""{"max_tokens":{{tokens}},"stream":true,"messages":[{"role":"user","content":"Hi"}]}""", Encoding.UTF8, "application/json"),
    };

    private static string ContentOf(string events) => string.Concat(events.Split('\n').Where(line => line.StartsWith("data: {", StringComparison.Ordinal))
        .Select(line => JsonSerializer.Deserialize<JsonElement>(line["data: ".Length..]).GetProperty("choices"))
        .Where(choices => choices.GetArrayLength() > 0 && choices[0].GetProperty("delta").TryGetProperty("content", out _))
        .Select(choices => choices[0].GetProperty("delta").GetProperty("content").GetString()));

    private static async Task<ClusterProcess> BusyWorkerAsync(ProcessCluster cluster, HttpClient http)
    {
        while (true)
        {
            var workers = JsonSerializer.Deserialize<JsonElement>(await http.GetStringAsync("/v1/workers", Cancellation)).GetProperty("data");
            foreach (var worker in workers.EnumerateArray())
                if (worker.TryGetProperty("load", out var load) && load.GetProperty("running").GetInt32() > 0)
                    return cluster.Workers.Single(process => worker.GetProperty("id").GetString()!.Contains($":{process.SiloPort}", StringComparison.Ordinal));
            await Task.Delay(10, Cancellation);
        }
    }
}
