using System.Diagnostics;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;
using Emu3.Benchmarks.Processes;
using Emu3.Cli;
using Emu3.Cli.Batch;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Gateways that die or end under those who read from them: nothing is told twice and nothing is left out, at whichever gateway they go on.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class GatewayLossTests(GatewayLossTests.Processes processes) : IClassFixture<GatewayLossTests.Processes>, IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ProcessCluster Cluster => processes.Cluster;

    /// <summary>The gateway that the test before has ended is there again.</summary>
    public async ValueTask InitializeAsync()
    {
        foreach (var gateway in Cluster.Gateways) gateway.Start();
        await Cluster.ReadyAsync(1, Cancellation);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Batch_WhoseGatewayIsKilledAndStartedAgain_GoesOnAndSaysSo()
    {
        var input = _folder.PathTo("in.txt");
        await File.WriteAllLinesAsync(input, Enumerable.Range(0, 60).Select(number => $"picture {number}"), Cancellation);
        var (text, errors) = (new StringWriter(), new StringWriter());
        var running = CommandLine.RunAsync(["batch", input, "--out", _folder.PathTo("out"), "--seed", "7", "--server", Cluster.GatewayAddresses[0].ToString()], new()
        {
            Out = TextWriter.Synchronized(text),
            Error = TextWriter.Synchronized(errors),
            OpenInput = () => Stream.Null,
            IsLive = false,
            Time = TimeProvider.System,
        }, Cancellation);
        for (var kill = 1; kill <= 2; kill++)
        {
            var wanted = 8 * kill;
            await Eventually.TrueAsync($"{wanted} pictures are written", () =>
            {
                Assert.False(running.IsCompleted, $"{text}{errors}");
                return AppendedLines.Peek(_folder.PathTo("out", "metadata.jsonl")).Count >= wanted;
            }, () => $"{text}{errors}");

            await Cluster.Gateways[0].KillAsync();
            await Task.Delay(500, Cancellation); // it is away, and not only slow
            Cluster.Gateways[0].Start();
        }

        Assert.True(await running == ExitCode.AllDone, $"{text}{errors}");
        Assert.Equal(60, AppendedLines.Peek(_folder.PathTo("out", "metadata.jsonl")).Select(line => JsonNode.Parse(line)!["id"]!.ToString()).Distinct().Count());
        Assert.Contains("does not answer", errors.ToString());
        Assert.Contains($"The gateway at {Cluster.GatewayAddresses[0]} answers again.", errors.ToString());
    }

    [Fact]
    public async Task Events_OfAGatewayThatIsKilled_GoOnAtAnother_WithoutAGapOrARepeat()
    {
        var job = await SubmitAsync(80);
        var told = new List<int>();
        var (last, _) = await ReadAsync(0, job, null, told, until: 20);
        await Cluster.Gateways[0].KillAsync();
        while (await ReadAsync(1, job, last, told, until: 30) is { IsDone: false } read) last = read.Last;
        Assert.Equal(Enumerable.Range(0, 80), told.Order());
    }

    [Fact]
    public async Task Events_OfAGatewayThatEnds_AreToldWhenToComeBack_AndItEndsAtOnce()
    {
        var job = await SubmitAsync(200);
        using var http = DescribedHttp.Client();
        using var response = await http.GetAsync(new Uri(Cluster.GatewayAddresses[0], $"/v1/jobs/{job}/events"), HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));
        Assert.NotNull(await reader.ReadLineAsync(Cancellation));
        var start = Stopwatch.GetTimestamp();
        Cluster.Gateways[0].Terminate();
        var rest = await reader.ReadToEndAsync(Cancellation);
        await Cluster.Gateways[0].Ended.WaitAsync(Cancellation);
        Assert.EndsWith("\n\nretry: 1000\n\n", rest, StringComparison.Ordinal);
        Assert.Equal(0, Cluster.Gateways[0].ExitCode);
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(8));
        using var client = new JobClient([Cluster.GatewayAddresses[1]]);
        await client.CancelAsync(job, Cancellation); // the next test's job has the worker to itself
    }

    private async Task<string> SubmitAsync(int count)
    {
        using var http = DescribedHttp.Client();
        using var body = new StringContent(
            string.Join('\n', ["{}", .. Enumerable.Range(0, count).Select(number => $$"""{"prompt":"picture {{number}}"}""")]), Encoding.UTF8, "application/x-ndjson");
        using var response = await http.PostAsync(new Uri(Cluster.GatewayAddresses[0], "/v1/jobs"), body, Cancellation);
        var answer = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.IsSuccessStatusCode, answer);
        return JsonNode.Parse(answer)!["id"]!.ToString();
    }

    /// <summary>Reads so many outcomes behind an event, or to the end.</summary>
    private async Task<(string? Last, bool IsDone)> ReadAsync(int gateway, string job, string? last, List<int> told, int until)
    {
        using var http = DescribedHttp.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Cluster.GatewayAddresses[gateway], $"/v1/jobs/{job}/events"));
        if (last is not null) request.Headers.TryAddWithoutValidation("Last-Event-ID", last);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        await using var stream = await response.Content.ReadAsStreamAsync(Cancellation);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(Cancellation))
        {
            last = item.EventId ?? last;
            if (item.EventType == "done") return (last, true);
            if (item.EventType != "item") continue;
            told.Add(JsonNode.Parse(item.Data)!["outcome"]!["index"]!.GetValue<int>());
            if (--until == 0) break;
        }

        return (last, false);
    }

    public sealed class Processes : IAsyncLifetime
    {
        private readonly TemporaryFolder _folder = new();

        internal ProcessCluster Cluster { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Cluster = await ProcessCluster.StartAsync(new()
        {
            Folder = _folder.FullPath,
            WorkerCount = 1,
            GatewayCount = 2,
            WorkerSettings = new Dictionary<string, string>
            {
                ["Engine:Kind"] = "simulated",
                ["Engine:Model"] = "simulated",
                ["Simulation:TimePerToken"] = "00:00:00.010",
                ["Simulation:SlotCount"] = "16",
            },
        }, Cancellation);

        public async ValueTask DisposeAsync()
        {
            await Cluster.DisposeAsync();
            _folder.Dispose();
        }
    }
}
