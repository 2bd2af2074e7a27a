using System.Net;
using System.Net.Http.Json;
using Emu3.Benchmarks.Processes;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>The programs of a cluster as Kubernetes runs them: one <c>emu3</c> for all, hardened, and started in any order.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class ReadOnlyRootTests(PostgresFixture server) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Cluster_OnAReadOnlyRoot_StartedBeforeItsTables_WaitsForThem_DrawsAndTakesFiles()
    {
        var (root, refusal) = await ReadOnlyRoot.TryMakeAsync(_folder.PathTo("root"));
        Assert.SkipWhen(root is null, refusal ?? "");
        var (connectionString, none) = await server.TryCreateDatabaseAsync(isEmpty: true);
        Assert.SkipWhen(connectionString is null, none ?? "");
        var (metrics, address) = (FreePorts.Take(), new Uri($"http://127.0.0.1:{FreePorts.Take()}"));
        var common = new Dictionary<string, string>
        {
            ["Cluster__Provider"] = "Postgres",
            ["Cluster__ConnectionString"] = connectionString!,
            ["Cluster__BlobFolder"] = Path.Combine(root!.Writable, "blobs"),
            ["ASPNETCORE_HTTP_PORTS"] = "8080", // as .NET's images set it
            ["Logging__LogLevel__Default"] = "Warning",
        };
        await using var silo = root.Program(
            "silo", new Dictionary<string, string>(common) { ["Engine__Model"] = root.Model, ["Engine__Threads"] = "1", ["Engine__SlotCount"] = "4" },
            "silo", "--Silo:Port", $"{FreePorts.Take()}", "--Silo:GatewayPort", $"{FreePorts.Take()}", $"--Metrics:Address=http://127.0.0.1:{metrics}");
        await using var gateway = root.Program("gateway", common, "gateway", "--Gateway:Address", address.GetLeftPart(UriPartial.Authority));
        foreach (var process in (ClusterProcess[])[silo, gateway])
        {
            process.Start();
            await LoggedAsync(process, "emu3 database apply");
        }

        await using var apply = root.Program("apply", common, "database", "apply", "--wait");
        apply.Start();
        await apply.Ended.WaitAsync(Cancellation);
        Assert.True(apply.ExitCode == 0, apply.ReadLog());
        using var http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(1) };
        await AnswersAsync(http, new Uri(address, "/health"), silo, gateway);
        await AnswersAsync(http, new Uri($"http://127.0.0.1:{metrics}/health/ready"), silo, gateway);

        using var drawn = await http.PostAsJsonAsync("/v1/images/generations", new { prompt = "a big red star on a blue background", seed = 7 }, Cancellation);
        Assert.True(drawn.IsSuccessStatusCode, await drawn.Content.ReadAsStringAsync(Cancellation));
        using var file = new MultipartFormDataContent
        {
            { new StringContent("batch"), "purpose" },
            // More than ASP.NET keeps of a body in memory.
            { new StringContent(string.Join('\n', Enumerable.Repeat("""{"custom_id": "a", "method": "POST", "url": "/v1/images/generations", "body": {"prompt": "a star"}}""", 3000))), "file", "lines.jsonl" },
        };
        using var uploaded = await http.PostAsync("/v1/files", file, Cancellation);
        Assert.True(uploaded.IsSuccessStatusCode, await uploaded.Content.ReadAsStringAsync(Cancellation));

        foreach (var process in (ClusterProcess[])[gateway, silo])
        {
            Assert.True(process.Terminate());
            await process.Ended.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
            Assert.True(process.ExitCode == 0, process.ReadLog());
            Assert.DoesNotContain("Read-only", process.ReadLog(), StringComparison.OrdinalIgnoreCase);
            // Nothing from Warning up, but for what was waited for; and Orleans may say that this machine is busy.
            Assert.All(
                Warnings(process).Where(line => !line.Contains("has not completed for", StringComparison.Ordinal)),
                line => Assert.Contains("emu3 database apply", line, StringComparison.Ordinal));
        }
    }

    /// <summary>Each says which folder, and which setting names another.</summary>
    [Theory]
    [InlineData("silo", "blob folder /home/app/.local/share/emu3/blobs", "Cluster:BlobFolder", "Cluster:Provider=Postgres", "Cluster:ConnectionString=Host=db;Database=emu3", "Silo:Roles:0=control")]
    [InlineData("silo", "blob folder /var/emu3", "Cluster:BlobFolder", "Cluster:Provider=Postgres", "Cluster:ConnectionString=Host=db;Database=emu3", "Silo:Roles:0=control", "Cluster:BlobFolder=/var/emu3")]
    [InlineData("silo", "data folder /var/emu3", "Cluster:DataFolder", "Cluster:DataFolder=/var/emu3", "Silo:Roles:0=control")]
    [InlineData("gateway", "blob folder /home/app/.local/share/emu3/blobs", "Cluster:BlobFolder", "Cluster:Provider=Postgres", "Cluster:ConnectionString=Host=db;Database=emu3")]
    public async Task Folder_ThatIsNeededAndCantBeWritten_IsToldWithItsSetting(string verb, string folder, string setting, params string[] settings)
    {
        var (root, refusal) = await ReadOnlyRoot.TryMakeAsync(_folder.PathTo("root"));
        Assert.SkipWhen(root is null, refusal ?? "");
        await using var process = root!.Program(verb, new Dictionary<string, string>(), [verb, .. settings.Select(one => $"--{one}")]);

        process.Start();
        await process.Ended.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);

        Assert.True(process.ExitCode == 3, process.ReadLog());
        Assert.Contains(folder, process.ReadLog(), StringComparison.Ordinal);
        Assert.Contains("Read-only file system", process.ReadLog(), StringComparison.Ordinal);
        Assert.Contains(setting, process.ReadLog(), StringComparison.Ordinal);
    }

    private static async Task LoggedAsync(ClusterProcess process, string text)
    {
        while (!process.ReadLog().Contains(text, StringComparison.Ordinal))
        {
            Assert.True(process.IsRunning, process.ReadLog());
            await Task.Delay(50, Cancellation);
        }
    }

    private static async Task AnswersAsync(HttpClient http, Uri page, params ClusterProcess[] processes)
    {
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(page, Cancellation);
                if (answer.StatusCode == HttpStatusCode.OK) return;
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            Assert.All(processes, process => Assert.True(process.IsRunning, process.ReadLog()));
            await Task.Delay(50, Cancellation);
        }
    }

    /// <summary>The console's default form is two lines: <c>warn: CATEGORY[0]</c>, and the text below it.</summary>
    private static IEnumerable<string> Warnings(ClusterProcess process)
    {
        var lines = process.ReadLog().Split('\n');
        return lines.Where((_, place) => place > 0 && (lines[place - 1].StartsWith("warn", StringComparison.Ordinal) || lines[place - 1].StartsWith("fail", StringComparison.Ordinal) || lines[place - 1].StartsWith("crit", StringComparison.Ordinal)));
    }
}
