using System.Globalization;
using System.Net;
using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>A gateway that asks for keys, before a control silo and a simulated worker, each a process of its own; and what there is in it to ask about.</summary>
internal sealed class FuzzCluster : IAsyncDisposable
{
    /// <summary>Opens everything.</summary>
    public const string AdminKey = "fuzz-bootstrap-key-of-32-characters-and-more";
    /// <summary>Items of the job that is paused: so many that some are left when it is.</summary>
    private const int WaitingCount = 250;

    /// <summary>Of the gateway: 256 MiB. With less in sight the collector collects what it would else leave for later; with more in use there is no memory left.</summary>
    private const string HeapLimit = "0x10000000";

    private const string JsonLines = "application/x-ndjson";
    private readonly Dictionary<string, Uri> _metrics;
    private FuzzClient? _user;

    private FuzzCluster(ProcessCluster processes, Dictionary<string, Uri> metrics) => (Processes, _metrics) = (processes, metrics);

    public ProcessCluster Processes { get; }

    public ClusterProcess Gateway => Processes.Gateways[0];

    public IPEndPoint Address => new(IPAddress.Loopback, Processes.GatewayAddresses[0].Port);

    /// <summary>A key of the role user.</summary>
    public string UserKey => User.Key;

    private FuzzClient Admin => field ??= new(Processes.GatewayAddresses[0], AdminKey);

    private FuzzClient User => _user ?? throw new InvalidOperationException("There is no user yet.");

    public static async Task<FuzzCluster> StartAsync(string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var key = Path.Combine(folder, "key");
        await File.WriteAllTextAsync(key, AdminKey, cancellationToken);
        var (gateway, worker) = (MetricsAddress(), MetricsAddress());
        var processes = await ProcessCluster.StartAsync(new()
        {
            Folder = folder,
            WorkerCount = 1,
            WorkerSettings = new Dictionary<string, string>(ProcessClusterPlan.Simulated(64, TimeSpan.FromMilliseconds(0.1))) { ["Metrics:Address"] = worker.GetLeftPart(UriPartial.Authority) },
            GatewaySettings = new Dictionary<string, string> { ["Gateway:BootstrapKeyFile"] = key, ["DOTNET_GCHeapHardLimit"] = HeapLimit, ["Metrics:Address"] = gateway.GetLeftPart(UriPartial.Authority) },
        }, cancellationToken);
        var cluster = new FuzzCluster(processes, new() { [processes.Gateways[0].Name] = gateway, [processes.Workers[0].Name] = worker });
        var made = await cluster.Admin.AskAsync(HttpMethod.Post, "/v1/admin/keys", """{"name":"user","tenant":"fuzz"}""", cancellationToken);
        cluster._user = new(processes.GatewayAddresses[0], made.GetProperty("key").GetString()!);
        return cluster;
    }

    /// <summary>Makes what the requests of one round ask about.</summary>
    public async Task<FuzzWorld> MakeWorldAsync(CancellationToken cancellationToken)
    {
        const string work = "{}\n{\"id\":\"a\",\"prompt\":\"a star\"}\n{\"id\":\"b\",\"prompt\":\"a moon\"}";
        const string line = """{"custom_id":"a","method":"POST","url":"/v1/images/generations","body":{"prompt":"a star"}}""";
        var (job, victim) = (await JobAsync(work), await JobAsync(work));
        var waiting = await JobAsync($"{{\"priority\":\"low\"}}\n{string.Join('\n', Enumerable.Repeat("{\"prompt\":\"a star\"}", WaitingCount))}");
        await User.TryAsync(HttpMethod.Post, $"/v1/jobs/{waiting}/pause", cancellationToken);
        var lines = await UploadAsync("batch", line);
        var batch = await User.MakeAsync("/v1/batches", $$"""{"input_file_id":"{{lines}}","endpoint":"/v1/images/generations","completion_window":"1h"}""", cancellationToken);
        var output = (await User.EndAsync($"/v1/batches/{batch}", cancellationToken)).GetProperty("output_file_id").GetString()!;
        foreach (var ending in (string[])[job, victim]) await User.EndAsync($"/v1/jobs/{ending}", cancellationToken);
        var drawn = await User.AskAsync(HttpMethod.Post, "/v1/images/generations", """{"prompt":"a star","response_format":"url"}""", cancellationToken);
        var archive = await User.AskAsync(HttpMethod.Post, $"/v1/jobs/{job}/archive", null, cancellationToken);
        return new(Address.ToString(), User.Key, AdminKey, new Dictionary<string, string>
        {
            ["job"] = job,
            ["victim"] = victim,
            ["waiting"] = waiting,
            ["lines"] = lines,
            ["picture"] = await UploadAsync("vision", SeedBodies.PictureFile),
            ["spare"] = await UploadAsync("user_data", "notes"),
            ["batch"] = batch,
            ["output"] = output,
            ["key"] = await Admin.MakeAsync("/v1/admin/keys", """{"name":"victim","expires_in":"1h"}""", cancellationToken),
            ["signedPicture"] = PathOf(drawn.GetProperty("data")[0].GetProperty("url").GetString()!),
            ["signedArchive"] = PathOf(archive.GetProperty("url").GetString()!),
        });

        Task<string> JobAsync(string lines) => User.MakeAsync("/v1/jobs", lines, cancellationToken, JsonLines);
        Task<string> UploadAsync(string purpose, string content) => User.MakeAsync(
            "/v1/files", FormMutator.Write([("purpose", null, purpose), ("file", "x", content)]), cancellationToken, $"multipart/form-data; boundary={FormMutator.Boundary}");
    }

    /// <summary>Deletes what the requests of a round have made.</summary>
    public async Task ClearAsync(CancellationToken cancellationToken)
    {
        await User.ClearAsync(cancellationToken);
        await Admin.ClearAsync(cancellationToken);
    }

    /// <summary>Whether the gateway says that it is alive.</summary>
    public async Task<bool> IsLiveAsync(CancellationToken cancellationToken) =>
        (await Admin.ReadAsync(new(Processes.GatewayAddresses[0], "/health/live"), cancellationToken)).Length > 0;

    /// <summary>Memory of a process that tells its metrics.</summary>
    public async Task<MemoryReading> MeasureAsync(ClusterProcess process, CancellationToken cancellationToken) =>
        MemoryReading.Of(process.ProcessId!.Value, await Admin.ReadAsync(new(_metrics[process.Name], "/metrics"), cancellationToken));

    public async ValueTask DisposeAsync()
    {
        Admin.Dispose();
        _user?.Dispose();
        await Processes.DisposeAsync();
    }

    private static string PathOf(string address) => new Uri(address).PathAndQuery;

    private static Uri MetricsAddress() => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePorts.Take()}"));
}
