using System.Net.Http.Json;
using System.Text.Json;
using Emu3.Benchmarks.Processes;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster.Processes;

/// <summary>The usage ledger of a cluster of processes, through kills of each kind of them while it works.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class UsageKillTests : IDisposable
{
    private const string Bootstrap = "a-bootstrap-key-of-32-characters-and-more";
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Ledger_ThroughKillsOfTheGatewayTheJobsSiloAndAWorker_EqualsWhatTheJobsSay()
    {
        await File.WriteAllTextAsync(_folder.PathTo("key"), Bootstrap, Cancellation);
        await using var cluster = await ProcessCluster.StartAsync(new()
        {
            Folder = _folder.FullPath,
            ControlCount = 2,
            WorkerSettings = ProcessClusterPlan.Simulated(slotCount: 8, TimeSpan.FromMilliseconds(5)),
            Settings = new Dictionary<string, string> { ["Gateway:BootstrapKeyFile"] = _folder.PathTo("key") },
        }, Cancellation);
        using var ofA = new JobClient(cluster.GatewayAddresses, await CreateKeyAsync(cluster.GatewayAddresses[0], "a"));
        using var ofB = new JobClient(cluster.GatewayAddresses, await CreateKeyAsync(cluster.GatewayAddresses[0], "b"));
        using var admin = new JobClient(cluster.GatewayAddresses, Bootstrap);
        var first = await ofA.SubmitAsync("first", Pictures(60), Cancellation);
        var second = await ofB.SubmitAsync("second", Pictures(20).Concat(Answers(10)), Cancellation);

        var kills = new List<Task>();
        var count = 0;
        var secondEnds = ofB.FollowAsync(second, _ => { }, Cancellation);
        await ofA.FollowAsync(first, seen =>
        {
            if (seen.Type != "item") return;
            switch (++count)
            {
                case 5:
                    kills.Add(cluster.Gateways[0].RestartAsync());
                    break;
                case 15:
                    kills.Add(RestartAsync(cluster.JobSiloAsync(first, Cancellation)));
                    break;
                case 30:
                    kills.Add(cluster.Workers[0].RestartAsync());
                    break;
            }
        }, Cancellation);
        await secondEnds;
        await Task.WhenAll(kills);
        Assert.Equal(3, kills.Count);
        var client = await cluster.ConnectAsync(Cancellation);
        foreach (var job in (string[])[first, second]) await client.LeavesTheIndexAsync(new(job), Cancellation); // before which its usage is told

        var lines = (await admin.GetJsonAsync("/v1/usage", Cancellation)).GetProperty("data").EnumerateArray().ToDictionary(line => line.GetProperty("tenant").GetString()!);
        Assert.Equal(await SumAsync(ofA, first), UsageFigures.Read(lines["a"]));
        Assert.Equal(await SumAsync(ofB, second), UsageFigures.Read(lines["b"]));
        Assert.Equal((60, 0), (lines["a"].GetProperty("images").GetInt32(), lines["a"].GetProperty("answers").GetInt32()));
        Assert.Equal((20, 10), (lines["b"].GetProperty("images").GetInt32(), lines["b"].GetProperty("answers").GetInt32()));
        Assert.True(lines["a"].GetProperty("device_seconds").GetDouble() > 0);
    }

    private static async Task RestartAsync(Task<ClusterProcess> process) => await (await process).RestartAsync();

    private static IEnumerable<string> Pictures(int count) => Enumerable.Range(0, count).Select(number => $$"""{"prompt":"picture {{number}}"}""").Prepend("{}");

    private static IEnumerable<string> Answers(int count) =>
        Enumerable.Range(0, count).Select(number => $$"""{"messages":[{"role":"user","content":"Question {{number}}?"}],"max_tokens":5}""");

    private static async Task<Grains.Interfaces.ItemsUsage> SumAsync(JobClient client, string job) =>
        UsageFigures.Sum((await client.GetJsonAsync($"/v1/jobs/{job}/results?limit=1000", Cancellation)).GetProperty("data").EnumerateArray());

    /// <summary>A key of a tenant of the same name.</summary>
    private static async Task<string> CreateKeyAsync(Uri gateway, string name)
    {
        using var http = DescribedHttp.Client(gateway);
        http.DefaultRequestHeaders.Authorization = new("Bearer", Bootstrap);
        using var response = await http.PostAsJsonAsync("/v1/admin/keys", new { name, tenant = name }, Cancellation);
        return (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("key").GetString()!;
    }
}
