using System.Text.Json;
using Emu3.Gateway;
using Emu3.Grains.Workers;
using Emu3.Inference;
using Emu3.Inference.Simulation;
using Emu3.Silo;
using Emu3.Storage;
using Emu3.Storage.Embedded;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Emu3.Benchmarks;

/// <summary>
/// A silo with simulated workers and a gateway in this process, on the embedded store: everything but devices is real, and its memory and its
/// writes can be read.
/// </summary>
internal sealed class SimulatedCluster : IAsyncDisposable
{
    private readonly IHost _silo;
    private readonly WebApplication _gateway;
    private readonly DataFolderLock _lock;

    private SimulatedCluster(IHost silo, WebApplication gateway, DataFolderLock dataLock) => (_silo, _gateway, _lock) = (silo, gateway, dataLock);

    public Uri Address => new(_gateway.Urls.Single());

    /// <summary>The store of grain state.</summary>
    public SqliteDb State => _silo.Services.GetRequiredKeyedService<SqliteDb>(ClusterProviders.StateDatabase);

    /// <summary>Starts it and waits until every worker is known.</summary>
    /// <param name="folder">Of the data.</param>
    /// <param name="workerCount">Workers, each with an engine of its own.</param>
    /// <param name="slotCount">Slots of each engine.</param>
    /// <param name="simulation">What the engines pretend to be.</param>
    /// <param name="lookAheadSlots">See <see cref="WorkerOptions.LookAheadSlots"/>; its default when absent.</param>
    public static async Task<SimulatedCluster> StartAsync(string folder, int workerCount, int slotCount, SimulationOptions simulation, int? lookAheadSlots = null)
    {
        var data = DataFolder.At(folder);
        var dataLock = data.TryLock() ?? throw new InvalidOperationException($"{folder} is taken.");
        var connection = ClusterConnection.SingleProcess(data);
        var worker = new WorkerOptions { InteractiveSlots = 0 };
        worker.LookAheadSlots = lookAheadSlots ?? worker.LookAheadSlots;
        var silo = SiloHost.Create(new()
        {
            Cluster = connection,
            Engines = [.. Enumerable.Range(0, workerCount).Select(number => new EngineOptions { Kind = EngineOptions.Simulated, Device = $"simulated:{number}", SlotCount = slotCount })],
            Simulation = simulation,
            Worker = worker,
        }, Quiet);
        await silo.StartAsync();
        var gateway = GatewayHost.Build(new("http://127.0.0.1:0"), connection, builder => Quiet(builder));
        await gateway.StartAsync();
        var cluster = new SimulatedCluster(silo, gateway, dataLock);
        using var http = new HttpClient();
        while (await WorkersAsync(http, cluster.Address) < workerCount) await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        return cluster;
    }

    public async ValueTask DisposeAsync()
    {
        using var atOnce = new CancellationTokenSource(TimeSpan.FromSeconds(2), TimeProvider.System);
        await _gateway.StopAsync(atOnce.Token);
        await _gateway.DisposeAsync();
        await _silo.StopAsync();
        await ((IAsyncDisposable)_silo).DisposeAsync();
        _lock.Dispose();
    }

    private static async Task<int> WorkersAsync(HttpClient http, Uri gateway)
    {
        using var answer = await http.GetAsync(new Uri(gateway, "/health"));
        using var health = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync());
        return health.RootElement.GetProperty("workers").GetInt32();
    }

    private static void Quiet(IHostApplicationBuilder builder) => builder.Logging.SetMinimumLevel(LogLevel.Error).AddConsole();
}
