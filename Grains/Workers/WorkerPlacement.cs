using Emu3.Grains.Interfaces;
using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace Emu3.Grains.Workers;

/// <summary>A worker's grain lives on the silo that its key names, where its engine is.</summary>
[GenerateSerializer, Immutable, Alias("emu3.WorkerPlacement")]
public sealed class WorkerPlacement : PlacementStrategy
{
    internal static WorkerPlacement Instance { get; } = new();
}

/// <summary>Puts a grain class under <see cref="WorkerPlacement"/>.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class WorkerPlacementAttribute() : PlacementAttribute(WorkerPlacement.Instance);

/// <summary>Finds the silo of a worker's key. Its address holds the silo's generation: after a restart the old key leads nowhere.</summary>
public sealed class WorkerPlacementDirector : IPlacementDirector
{
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var worker = new WorkerId(target.GrainIdentity.Key.ToString()!);
        var silo = SiloAddress.FromParsableString(worker.Silo);
        return context.GetCompatibleSilos(target).Contains(silo) ? Task.FromResult(silo) : throw new WorkerSiloGoneException(worker.Value);
    }
}
