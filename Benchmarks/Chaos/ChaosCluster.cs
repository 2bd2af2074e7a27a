using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Chaos;

/// <summary>A cluster of processes with all around it that can be made to fail, as far as that is permitted here.</summary>
internal sealed class ChaosCluster : IAsyncDisposable
{
    private readonly ProcessClusterPlan _plan;
    private readonly SmallDisk? _disk;
    private readonly SiloNetwork? _network;
    private readonly PostgresServer? _database;

    private ChaosCluster(ProcessClusterPlan plan, SmallDisk? disk, SiloNetwork? network, PostgresServer? database) =>
        (_plan, _disk, _network, _database) = (plan, disk, network, database);

    public ProcessCluster Processes { get; private set; } = null!;

    public FaultInjector Injector { get; private set; } = null!;

    /// <summary>Kinds of faults that can be injected here.</summary>
    public IReadOnlySet<FaultKind> Kinds { get; private init; } = null!;

    /// <summary>Kinds that can't, with the reason.</summary>
    public IReadOnlyDictionary<FaultKind, string> Skipped { get; private init; } = null!;

    public static async Task<ChaosCluster> StartAsync(ChaosOptions options, CancellationToken cancellationToken)
    {
        var plan = new ProcessClusterPlan
        {
            Folder = options.Folder,
            ControlCount = options.ControlCount,
            WorkerCount = options.WorkerCount,
            GatewayCount = options.GatewayCount,
            WorkerSettings = new Dictionary<string, string>(options.IsSimulated ? ProcessClusterPlan.Simulated(16, TimeSpan.FromMilliseconds(15)) : ProcessClusterPlan.TinyModel(16))
            {
                // Pictures that take seconds: often, so that a killed worker leaves something to go on from.
                ["Worker:CheckpointPeriod"] = "00:00:00.200",
            },
        };
        var (disk, noDisk) = await SmallDisk.TryMountAsync(plan.DataFolder);
        var (network, noNetwork) = await SiloNetwork.TryMakeAsync(plan.SiloNames);
        var (database, noDatabase) = options.IsOnPostgres ? await PostgresServer.TryStartAsync(Path.Combine(plan.Folder, "postgres")) : (null, "the tables are in SQLite");
        if (options.IsOnPostgres && database is null) throw new InvalidOperationException($"There is no PostgreSQL here: {noDatabase}");
        var skipped = new Dictionary<FaultKind, string>();
        if (noDisk is not null) skipped[FaultKind.FullDisk] = noDisk;
        if (noNetwork is not null) skipped[FaultKind.NetworkCut] = noNetwork;
        if (noDatabase is not null) skipped[FaultKind.DatabaseRestart] = noDatabase;
        if (network is not null) plan = plan with { SiloPlaces = plan.SiloNames.ToDictionary(silo => silo, silo => new SiloPlace(network.AddressOf(silo), network.LauncherOf(silo))) };
        if (database is not null) plan = plan with { Postgres = database.ConnectionString };
        var cluster = new ChaosCluster(plan, disk, network, database) { Skipped = skipped, Kinds = Enum.GetValues<FaultKind>().Except(skipped.Keys).ToHashSet() };
        try
        {
            cluster.Processes = await ProcessCluster.StartAsync(plan, cancellationToken);
            cluster.Injector = new(cluster.Processes, disk, network, database);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends all processes, and removes what was made for them except the logs.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Processes is not null) await Processes.DisposeAsync();
        if (_database is not null) await _database.DisposeAsync();
        if (_network is not null) await _network.DisposeAsync();
        if (_disk is not null) await _disk.DisposeAsync();
    }

    /// <summary>What the plan of faults is drawn for.</summary>
    public FaultPlanShape Shape(TimeSpan meanGap) => new()
    {
        Controls = [.. Processes.Controls.Select(process => process.Name)],
        Workers = [.. Processes.Workers.Select(process => process.Name)],
        Gateways = [.. Processes.Gateways.Select(process => process.Name)],
        Kinds = Kinds,
        MeanGap = meanGap,
    };
}
