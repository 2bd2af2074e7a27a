using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Cluster;

/// <summary>A model that the cluster runs or has run.</summary>
/// <param name="Info">What it is.</param>
/// <param name="Workers">Those that have it loaded; empty where none has at the moment.</param>
internal sealed record KnownModel(ModelInfo Info, IReadOnlyList<WorkerInfo> Workers)
{
    public bool IsLoaded => Workers.Count > 0;

    /// <summary>Some worker takes work: its device is not quarantined.</summary>
    public bool IsServed => Workers.Any(worker => worker.Quarantine is null);
}
