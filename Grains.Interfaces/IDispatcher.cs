namespace Emu3.Grains.Interfaces;

/// <summary>
/// Tells workers where work is, by priority and fairness. Memory only: it is rebuilt from the job index, and its hints bind nobody
/// (shards give leases). Key: 0.
/// </summary>
[Alias("emu3.IDispatcher")]
public interface IDispatcher : IGrainWithIntegerKey
{
    /// <summary>A worker is ready; repeated every few seconds. One that falls silent is forgotten.</summary>
    [Alias("Register")] Task Register(WorkerCard worker);

    /// <summary>A worker drains: it gets no more hints.</summary>
    [Alias("Unregister")] Task Unregister(WorkerId worker);

    /// <summary>Where a worker with free places should ask, best first. Empty: nothing to do, it will be woken.</summary>
    /// <param name="worker">Must be registered; another is told nothing.</param>
    /// <param name="freeItemCount">Items that it takes in all.</param>
    /// <param name="batchItemCount">Of these, items that nobody waits for: a worker keeps a few places for those that somebody does.</param>
    [Alias("Next")] Task<IReadOnlyList<WorkHint>> Next(WorkerId worker, int freeItemCount, int batchItemCount);

    /// <summary>A shard tells how many items it has to give; 0 closes it.</summary>
    [Alias("Offer")] Task Offer(ShardOffer offer);

    /// <summary>Starts it where it does not run, and has it look through the job index.</summary>
    [Alias("Wake")] Task Wake();

    /// <summary>A worker loads its model; repeated every few seconds until it registers.</summary>
    [Alias("Announce")] Task Announce(LoadingWorker worker);

    /// <summary>Workers that are ready.</summary>
    [Alias("GetWorkers")] Task<IReadOnlyList<WorkerCard>> GetWorkers();

    /// <summary>Workers that are on their way.</summary>
    [Alias("GetLoadingWorkers")] Task<IReadOnlyList<LoadingWorker>> GetLoadingWorkers();
}

/// <summary>Ask this shard for so many.</summary>
[GenerateSerializer, Immutable, Alias("emu3.WorkHint")]
public readonly record struct WorkHint([property: Id(0)] JobId Job, [property: Id(1)] int Shard, [property: Id(2)] int ItemCount);

/// <summary>What a shard has to give.</summary>
[GenerateSerializer, Immutable, Alias("emu3.ShardOffer")]
public sealed record ShardOffer
{
    [Id(0)] public required JobId Job { get; init; }
    [Id(1)] public required int Shard { get; init; }
    [Id(2)] public required string Tenant { get; init; }
    [Id(3)] public required string WeightsHash { get; init; }
    [Id(4)] public required JobPriority Priority { get; init; }
    [Id(5)] public required DateTimeOffset CreatedAt { get; init; }
    [Id(6)] public required int PendingCount { get; init; }
}
