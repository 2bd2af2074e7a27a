using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Emu3.Benchmarks.Processes;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Orleans' dashboard: off unless it is asked for, and then for admins alone.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class DashboardTests : IDisposable
{
    private const string Bootstrap = "a-bootstrap-key-of-32-characters-and-more";

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Dashboard_ThatIsAskedFor_ShowsTheSilosToAdmins_AndToNobodyElse()
    {
        await File.WriteAllTextAsync(_folder.PathTo("key"), Bootstrap, Cancellation);
        await using var cluster = await ProcessCluster.StartAsync(new()
        {
            Folder = _folder.FullPath,
            WorkerCount = 1,
            WorkerSettings = ProcessClusterPlan.Simulated(slotCount: 4, TimeSpan.FromMilliseconds(1)),
            Settings = new Dictionary<string, string> { ["Silo:Dashboard"] = "true" },
            GatewaySettings = new Dictionary<string, string> { ["Gateway:Dashboard"] = "true", ["Gateway:BootstrapKeyFile"] = _folder.PathTo("key") },
        }, Cancellation);
        using var http = new HttpClient { BaseAddress = cluster.GatewayAddresses[0] };

        foreach (var page in (string[])["/dashboard/", "/dashboard/index.min.js", "/dashboard/DashboardCounters", "/dashboard/GrainState?grainId=0&grainType=Emu3.Grains.Access.KeyRing"])
        {
            using var refused = await AskAsync(http, page, null);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
            Assert.Equal("Basic", Assert.Single(refused.Headers.WwwAuthenticate).Scheme); // a browser asks its user then
            using var wrong = await AskAsync(http, page, Basic("not-a-key"));
            Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        }

        var user = await CreateAsync(http, "user");
        using (var refused = await AskAsync(http, "/dashboard/DashboardCounters", new("Bearer", user))) Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        using (var page = await AskAsync(http, "/dashboard/", Basic(Bootstrap)))
        {
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
            Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        }

        // It looks at the silos from time to time.
        await Eventually.TrueAsync("the dashboard shows both silos", async () => await CountHostsAsync(http, new("Bearer", Bootstrap)) == 2);
        var admin = await CreateAsync(http, "admin");
        foreach (var key in (AuthenticationHeaderValue[])[Basic(Bootstrap), new("Bearer", admin), Basic(admin)]) Assert.Equal(2, await CountHostsAsync(http, key));

        using (var state = await AskAsync(http, "/dashboard/grainstate?grainId=0&grainType=Emu3.Grains.Access.KeyRing", Basic(Bootstrap)))
            Assert.Equal(HttpStatusCode.Forbidden, state.StatusCode);
        // What opens the dashboard in a browser opens nothing else: pages of other sites could use it there.
        using (var models = await AskAsync(http, "/v1/models", Basic(Bootstrap))) Assert.Equal(HttpStatusCode.Unauthorized, models.StatusCode);
    }

    [Fact]
    public async Task Dashboard_ByDefault_IsNotThere()
    {
        await using var gateway = await GatewayCluster.StartAsync();
        using var answer = await gateway.Http.GetAsync("/dashboard/", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    private static async Task<int> CountHostsAsync(HttpClient http, AuthenticationHeaderValue key)
    {
        using var counters = await AskAsync(http, "/dashboard/DashboardCounters", key);
        var text = await counters.Content.ReadAsStringAsync(Cancellation);
        Assert.True(counters.IsSuccessStatusCode, text);
        return JsonSerializer.Deserialize<JsonElement>(text).GetProperty("hosts").EnumerateArray().Count();
    }

    private static AuthenticationHeaderValue Basic(string key) => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"me:{key}")));

    private static async Task<string> CreateAsync(HttpClient http, string role)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/admin/keys") { Content = JsonContent.Create(new { name = role, role }) };
        request.Headers.Authorization = new("Bearer", Bootstrap);
        using var made = await http.SendAsync(request, Cancellation);
        return (await made.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("key").GetString()!;
    }

    private static async Task<HttpResponseMessage> AskAsync(HttpClient http, string path, AuthenticationHeaderValue? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = key;
        return await http.SendAsync(request, Cancellation);
    }
}
