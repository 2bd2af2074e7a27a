using System.Net;
using Emu3.Grains.Dispatch;
using Emu3.Grains.Jobs;
using Emu3.Grains.Webhooks;
using Emu3.Grains.Workers;
using Emu3.Inference;
using Emu3.Inference.Simulation;
using Emu3.Observability;
using Emu3.Storage;

namespace Emu3.Silo;

/// <summary>All that a silo is told. <see cref="SiloConfiguration"/> reads it from configuration; the command line makes it itself.</summary>
public sealed class SiloSettings
{
    /// <summary>Which cluster, and where its tables are.</summary>
    public required ClusterConnection Cluster { get; init; }

    /// <summary>What this silo does.</summary>
    public SiloRoles Roles { get; init; } = SiloRoles.Control | SiloRoles.Worker;

    /// <summary>One engine for each device and model; none on a silo without <see cref="SiloRoles.Worker"/>.</summary>
    public IReadOnlyList<EngineOptions> Engines { get; init; } = [];

    /// <summary>Checkpoints that a silo with <see cref="SiloRoles.Control"/> makes known; see <see cref="ModelAnnouncer"/>.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Makes an engine.</summary>
    public EngineFactory EngineFactory { get; init; } = EngineFactories.OfKind;

    /// <summary>For simulated engines.</summary>
    public SimulationOptions Simulation { get; init; } = new();

    public WorkerOptions Worker { get; init; } = new();
    public DispatcherOptions Dispatcher { get; init; } = new();
    public JobOptions Jobs { get; init; } = new();
    public WebhookOptions Webhooks { get; init; } = new();

    /// <summary>Where the process tells its metrics and its health; nowhere by default.</summary>
    public MetricsOptions Metrics { get; init; } = new();

    /// <summary>Port for other silos; 0 takes a free one.</summary>
    public int SiloPort { get; init; }

    /// <summary>Port for clients; 0 takes a free one.</summary>
    public int GatewayPort { get; init; }

    /// <summary>Where silos and clients reach this one. Unless it is loopback, the ports listen on all interfaces.</summary>
    public IPAddress AdvertisedAddress { get; init; } = IPAddress.Loopback;

    /// <summary>The silo's name; null leaves it to Orleans.</summary>
    public string? Name { get; init; }

    /// <summary>Counts the calls of grains for Orleans' dashboard.</summary>
    public bool HasDashboard { get; init; }

    /// <summary>How long a stop may take: the engine's step, checkpoints, and leaving the cluster. What is not done then is left as by a crash.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>What a silo does.</summary>
[Flags]
public enum SiloRoles
{
    /// <summary>Holds jobs, shards and the dispatcher. Needs no GPU and loads no libtorch.</summary>
    Control = 1,

    /// <summary>Runs engines.</summary>
    Worker = 2,
}

/// <summary>Loads a model onto a device. Called in the background while the silo already runs.</summary>
public delegate Task<IEngine> EngineFactory(EngineOptions options, IServiceProvider services, IProgress<LoadStage> progress, CancellationToken cancellationToken);
