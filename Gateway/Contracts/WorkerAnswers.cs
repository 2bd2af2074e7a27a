using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Contracts;

/// <summary>All workers that the cluster knows of.</summary>
internal sealed record WorkerList(IReadOnlyList<WorkerAnswer> Data)
{
    public string Object { get; } = "list";
}

/// <summary>
/// One worker. <see cref="Status"/>: <c>ready</c> takes work; <c>loading</c> is on its way, <see cref="Detail"/> says how far; <c>quarantined</c> gets
/// none, <see cref="Detail"/> says why.
/// </summary>
internal sealed record WorkerAnswer
{
    public required string Id { get; init; }
    public string Object { get; } = "worker";

    /// <summary>The same after every restart; what a quarantine is lifted by.</summary>
    public required string Device { get; init; }
    public required string Status { get; init; }
    public string? Detail { get; init; }
    public required string Model { get; init; }
    public int? Slots { get; init; }
    public string? NumericClass { get; init; }

    /// <summary>The same seed gives the same tokens, whatever runs beside it.</summary>
    public bool? Reproducible { get; init; }

    /// <summary>What the engine does now; null when it did not answer.</summary>
    public LoadAnswer? Load { get; init; }

    public static WorkerAnswer Of(WorkerInfo worker, WorkerLoad? load) => new()
    {
        Id = worker.Id.Value,
        Device = worker.Device,
        Status = worker.Quarantine is null ? "ready" : "quarantined",
        Detail = worker.Quarantine,
        Model = worker.Model.Name,
        Slots = worker.SlotCount,
        NumericClass = worker.NumericClass,
        Reproducible = worker.IsRowInvariant,
        Load = load is { } known ? new(known.SlotCount - known.FreeSlotCount, known.RunningCount, known.WaitingCount, known.GeneratedTokenCount, known.ItemsPerSecond) : null,
    };

    public static WorkerAnswer Of(LoadingWorker worker) =>
        new() { Id = worker.Id.Value, Device = worker.Device, Status = "loading", Detail = worker.Progress, Model = worker.Model };

    /// <summary>A device that is quarantined while no worker is up on it.</summary>
    public static WorkerAnswer OfAbsent(string device, string reason) =>
        new() { Id = "", Device = device, Status = "quarantined", Detail = reason, Model = "" };
}

/// <summary>A worker's engine at this moment: slots in use, items that run and wait, tokens since it started, items it ends in a second.</summary>
internal sealed record LoadAnswer(int UsedSlots, int Running, int Waiting, long GeneratedTokens, double? ItemsPerSecond);
