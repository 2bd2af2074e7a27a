using System.Diagnostics;
using System.Text.Json;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;
using Emu3.Storage;
using Emu3.Storage.Postgres;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

namespace Emu3.Benchmarks.Processes;

/// <summary>
/// A cluster of real processes on this machine: silos and gateways as they run in earnest, each of which can be killed, frozen and started again.
/// None outlives the process that started them. Every process keeps its ports over its lives.
/// </summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(50);
    private readonly ProcessClusterPlan _plan;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly SemaphoreSlim _connecting = new(1, 1);
    private IHost? _client;

    private ProcessCluster(ProcessClusterPlan plan)
    {
        _plan = plan;
        Controls = [.. Enumerable.Range(0, plan.ControlCount).Select(number => Silo($"control-{number}", "control", new Dictionary<string, string>()))];
        Workers = [.. Enumerable.Range(0, plan.WorkerCount).Select(number => Silo($"worker-{number}", "worker", plan.WorkerSettings))];
        var addresses = Enumerable.Range(0, plan.GatewayCount).Select(_ => new Uri($"http://127.0.0.1:{FreePorts.Take()}")).ToList();
        GatewayAddresses = addresses;
        Gateways = [.. addresses.Select((address, number) =>
            Program($"gateway-{number}", "Emu3.Gateway.dll", new(plan.GatewaySettings) { ["Gateway:Address"] = address.GetLeftPart(UriPartial.Authority) }))];
    }

    public IReadOnlyList<ClusterProcess> Controls { get; }
    public IReadOnlyList<ClusterProcess> Workers { get; }
    public IReadOnlyList<ClusterProcess> Gateways { get; }

    /// <summary>Where the gateways answer, in the order of <see cref="Gateways"/>.</summary>
    public IReadOnlyList<Uri> GatewayAddresses { get; }
    public IEnumerable<ClusterProcess> Silos => Controls.Concat(Workers);
    public IEnumerable<ClusterProcess> All => Silos.Concat(Gateways);

    /// <summary>A process by its name, as <c>control-0</c>.</summary>
    public ClusterProcess this[string name] => All.Single(process => process.Name == name);

    /// <summary>Starts the processes that the plan says and waits until every gateway says that their workers are ready.</summary>
    public static async Task<ProcessCluster> StartAsync(ProcessClusterPlan plan, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(plan.DataFolder);
        Directory.CreateDirectory(plan.LogFolder);
        if (plan is { Postgres: { } postgres, HasTables: false }) await PrepareAsync(postgres, cancellationToken);
        var cluster = new ProcessCluster(plan);
        try
        {
            foreach (var process in plan.StartsWorkers ? cluster.All : cluster.All.Except(cluster.Workers)) process.Start();
            await cluster.ReadyAsync(plan.StartsWorkers ? plan.WorkerCount : 0, cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until each gateway that runs says that at least so many workers are ready.</summary>
    /// <exception cref="InvalidOperationException">Nothing came of it in two minutes; the message has the ends of the logs.</exception>
    public async Task ReadyAsync(int workerCount, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        try
        {
            for (var number = 0; number < Gateways.Count; number++)
                while (Gateways[number] is { IsRunning: true, IsFrozen: false } && await WorkersAsync(GatewayAddresses[number], patience.Token) < workerCount)
                    await Task.Delay(s_look, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new InvalidOperationException($"There are no {workerCount} workers after two minutes.{Environment.NewLine}{TellLogs()}");
        }
    }

    /// <summary>A way into the cluster past the gateways: for questions that HTTP has no answer to.</summary>
    public async Task<IClusterClient> ConnectAsync(CancellationToken cancellationToken)
    {
        await _connecting.WaitAsync(cancellationToken);
        try
        {
            if (_client is not null) return _client.Services.GetRequiredService<IClusterClient>();
            var builder = Host.CreateEmptyApplicationBuilder(new() { DisableDefaults = true });
            builder.UseOrleansClient(client =>
            {
                client.UseCluster(Connection());
                client.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = TimeSpan.FromSeconds(6));
                client.UseConnectionRetryFilter(async (_, token) =>
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(200), token);
                    return true;
                });
            });
            var host = builder.Build();
            await host.StartAsync(cancellationToken);
            _client = host;
            return host.Services.GetRequiredService<IClusterClient>();
        }
        finally
        {
            _connecting.Release();
        }
    }

    /// <summary>The silo of the dispatcher.</summary>
    public Task<ClusterProcess> DispatcherSiloAsync(CancellationToken cancellationToken) => HolderOfAsync(grains => grains.GetGrain<IDispatcher>(0), cancellationToken);

    /// <summary>The silo of a job.</summary>
    public Task<ClusterProcess> JobSiloAsync(string job, CancellationToken cancellationToken) =>
        HolderOfAsync(grains => grains.GetGrain<IGenerationJob>(job), cancellationToken);

    /// <summary>The silo that a grain is on, as soon as it is on one and there is someone to say so.</summary>
    private async Task<ClusterProcess> HolderOfAsync(Func<IGrainFactory, IAddressable> grain, CancellationToken cancellationToken)
    {
        var client = await ConnectAsync(cancellationToken);
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(1);)
        {
            try
            {
                if (await client.GetGrain<IManagementGrain>(0).GetActivationAddress(grain(client), cancellationToken) is { } address)
                    return Silos.Single(silo => silo.SiloPort == address.Endpoint.Port);
            }
            catch (Exception interruption) when (ClusterCalls.IsTransient(interruption, cancellationToken))
            {
                // Whoever was asked was killed a moment ago.
            }

            await Task.Delay(s_look, TimeProvider.System, cancellationToken);
        }

        throw new InvalidOperationException($"For a minute nobody could say where a grain is.{Environment.NewLine}{TellLogs()}");
    }

    /// <summary>The life of a silo that the cluster counts as active; null while there is none, or nobody to say so.</summary>
    public async Task<SiloAddress?> ActiveAsync(ClusterProcess silo, CancellationToken cancellationToken) =>
        await ReadActiveAsync(cancellationToken) is { } active
            ? active.Where(address => address.Endpoint.Port == silo.SiloPort).MaxBy(address => address.Generation)
            : null;

    /// <summary>Whether the cluster counts a silo as active; null while there is nobody to say so.</summary>
    public async Task<bool?> IsActiveAsync(ClusterProcess silo, CancellationToken cancellationToken) =>
        (await ReadActiveAsync(cancellationToken))?.Any(address => address.Endpoint.Port == silo.SiloPort);

    private async Task<IReadOnlyCollection<SiloAddress>?> ReadActiveAsync(CancellationToken cancellationToken)
    {
        var client = await ConnectAsync(cancellationToken);
        try
        {
            return (await client.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true, cancellationToken)).Keys;
        }
        catch (Exception interruption) when (ClusterCalls.IsTransient(interruption, cancellationToken))
        {
            return null;
        }
    }

    /// <summary>Kills everything at once, as a power cut does.</summary>
    public Task KillAllAsync() => Task.WhenAll(All.Select(process => process.KillAsync()));

    /// <summary>The ends of all logs, for a message that someone reads.</summary>
    public string TellLogs(int lines = 20) => string.Join(Environment.NewLine, All.Select(process =>
        $"--- {process.Name} ({(process.IsRunning ? "running" : $"ended with {process.ExitCode}")}, start {process.StartCount}){Environment.NewLine}"
        + string.Join(Environment.NewLine, process.ReadLog().Split('\n').TakeLast(lines))));

    public async ValueTask DisposeAsync()
    {
        if (_client is IAsyncDisposable client) await client.DisposeAsync();
        await Task.WhenAll(All.Select(process => process.DisposeAsync().AsTask()));
        _http.Dispose();
        _connecting.Dispose();
    }

    private async Task<int> WorkersAsync(Uri gateway, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri(gateway, "/health"), cancellationToken);
            using var health = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken));
            return health.RootElement.GetProperty("status").GetString() == "starting" ? -1 : health.RootElement.GetProperty("workers").GetInt32();
        }
        catch (Exception notYet) when (notYet is HttpRequestException or JsonException || (notYet is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return -1;
        }
    }

    private ClusterProcess Silo(string name, string role, IReadOnlyDictionary<string, string> settings)
    {
        var port = FreePorts.Take();
        var told = new Dictionary<string, string>(settings) { ["Silo:Roles:0"] = role, ["Silo:Port"] = $"{port}", ["Silo:GatewayPort"] = $"{FreePorts.Take()}" };
        var place = _plan.SiloPlaces.GetValueOrDefault(name);
        if (place is not null) told["Silo:AdvertisedAddress"] = place.Address;
        return Program(name, "Emu3.Silo.dll", told, port, place?.Launcher);
    }

    private ClusterProcess Program(string name, string program, Dictionary<string, string> settings, int siloPort = 0, IReadOnlyList<string>? launcher = null)
    {
        foreach (var (setting, value) in s_logging.Concat(ConnectionSettings()).Concat(_plan.Settings)) settings[setting] = value;
        var environment = settings.ToDictionary(setting => setting.Key.Replace(":", "__", StringComparison.Ordinal), setting => setting.Value);
        foreach (var (variable, value) in s_lightness.Concat(_plan.EnvironmentOf(name))) environment[variable] = value;
        return new(name, ["dotnet", Path.Combine(_plan.ProgramFolder, program)], environment, Path.Combine(_plan.LogFolder, name + ".log"), launcher) { SiloPort = siloPort };
    }

    /// <summary>Many processes on few cores: no heap a core, no second compilation by profile.</summary>
    private static readonly Dictionary<string, string> s_lightness = new()
    {
        ["DOTNET_gcServer"] = "0",
        ["DOTNET_gcConcurrent"] = "0",
        ["DOTNET_TieredPGO"] = "0",
        ["OMP_WAIT_POLICY"] = "PASSIVE",
    };

    private static readonly Dictionary<string, string> s_logging = new()
    {
        ["Logging:LogLevel:Orleans"] = "Warning",
        ["Logging:LogLevel:Microsoft"] = "Warning",
        ["Logging:Console:FormatterName"] = "simple",
        ["Logging:Console:FormatterOptions:SingleLine"] = "true",
        ["Logging:Console:FormatterOptions:TimestampFormat"] = "HH:mm:ss.fff ",
    };

    private ClusterConnection Connection() => new ConfigurationBuilder().AddInMemoryCollection(ConnectionSettings()!).Build().GetSection("Cluster").Get<ClusterConnection>()!;

    private Dictionary<string, string> ConnectionSettings() => _plan.Postgres is { } connectionString
        ? new() { ["Cluster:DataFolder"] = _plan.DataFolder, ["Cluster:Provider"] = "Postgres", ["Cluster:ConnectionString"] = connectionString }
        : new() { ["Cluster:DataFolder"] = _plan.DataFolder };

    private static async Task PrepareAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var database = PostgresConnection.Open(connectionString);
        await PostgresSchema.ApplyAsync(database, cancellationToken);
    }
}
