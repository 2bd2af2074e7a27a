using System.Diagnostics;
using System.Net;
using Emu3.Benchmarks.Processes;
using Emu3.Observability;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Whether a load balancer keeps a gateway, while the control silos behind it die.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class GatewayReadinessTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>What Kubernetes gives a probe by default.</summary>
    private static readonly TimeSpan s_probe = TimeSpan.FromSeconds(1);

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Gateway_WhoseOnlyControlSiloDies_StaysReady_UntilAnotherIsThere()
    {
        await using var cluster = await ProcessCluster.StartAsync(new() { Folder = _folder.FullPath, WorkerCount = 0 }, Cancellation);
        using var http = new HttpClient { BaseAddress = cluster.GatewayAddresses[0] };
        await EachSecondAsync(http, until: status => status == HttpStatusCode.OK);

        await cluster["control-0"].KillAsync();
        var killed = Stopwatch.GetTimestamp();
        var isSilent = false;
        await ProbeAsync(http, async () =>
        {
            // The cluster is gone for the clients as well: only then does the test say something.
            isSilent |= (await http.GetAsync("/health", Cancellation)).StatusCode == HttpStatusCode.ServiceUnavailable;
            return isSilent && Stopwatch.GetElapsedTime(killed) > TimeSpan.FromSeconds(15);
        });

        cluster["control-0"].Start();
        await ProbeAsync(http, async () =>
        {
            using var answer = await http.GetAsync("/health", Cancellation);
            return (await answer.Content.ReadAsStringAsync(Cancellation)).Contains("no_worker", StringComparison.Ordinal);
        });
        output.WriteLine($"back after {Stopwatch.GetElapsedTime(killed).TotalSeconds:0.0} s");
    }

    [Fact]
    public async Task Gateway_WhoseClusterStaysAway_IsNotReadyAnyMore()
    {
        await using var cluster = await ProcessCluster.StartAsync(
            new() { Folder = _folder.FullPath, WorkerCount = 0, GatewaySettings = new Dictionary<string, string> { ["Gateway:ReadyGrace"] = "00:00:03" } }, Cancellation);
        using var http = new HttpClient { BaseAddress = cluster.GatewayAddresses[0] };
        await EachSecondAsync(http, until: status => status == HttpStatusCode.OK);

        await cluster["control-0"].KillAsync();
        await EachSecondAsync(http, until: status => status == HttpStatusCode.ServiceUnavailable);

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(HealthPages.LivePath, Cancellation)).StatusCode);
        cluster["control-0"].Start();
        await EachSecondAsync(http, until: status => status == HttpStatusCode.OK);
    }

    /// <summary>Every probe is answered with 200, and in its time, until something is so.</summary>
    private static async Task ProbeAsync(HttpClient http, Func<Task<bool>> isOver)
    {
        while (!await isOver())
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            patience.CancelAfter(s_probe);
            using var answer = await http.GetAsync(HealthPages.ReadyPath, patience.Token);
            Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(Cancellation));
        }
    }

    private static async Task EachSecondAsync(HttpClient http, Func<HttpStatusCode, bool> until)
    {
        while (!until((await http.GetAsync(HealthPages.ReadyPath, Cancellation)).StatusCode)) await Task.Delay(s_probe / 4, Cancellation);
    }
}
