namespace Emu3.Grains.Interfaces;

/// <summary>
/// Tells workers where work is, by priority and fairness. Memory only: it is rebuilt from the job index, and its hints bind nobody
/// (shards give leases). Key: 0.
/// </summary>
[Alias("emu3.IDispatcher")]
public interface IDispatcher : IGrainWithIntegerKey
{
    /// <summary>A worker is ready. One that then falls silent, and does not ask either, is forgotten.</summary>
    [Alias("Register")] Task Register(WorkerInfo worker);

    /// <summary>A worker drains: it gets no more hints.</summary>
    [Alias("Unregister")] Task Unregister(WorkerId worker);

    /// <summary>Where a worker should ask, best first. What it could take is remembered: when there is work for it, it is woken.</summary>
    [Alias("Next")] Task<WorkHints> Next(WorkerId worker, WorkerCapacity capacity);

    /// <summary>A shard tells how many items it has to give; 0 closes it.</summary>
    [Alias("Offer")] Task Offer(ShardOffer offer);

    /// <summary>Starts it where it does not run, which has it look through the job index; and has it look at the device ledger and at the weights of keys.</summary>
    [Alias("Wake")] Task Wake();

    /// <summary>A worker loads its model; repeated every few seconds until it registers.</summary>
    [Alias("Announce")] Task Announce(LoadingWorker worker);

    /// <summary>Workers that are ready.</summary>
    [Alias("GetWorkers")] Task<IReadOnlyList<WorkerInfo>> GetWorkers();

    /// <summary>Workers that are on their way.</summary>
    [Alias("GetLoadingWorkers")] Task<IReadOnlyList<LoadingWorker>> GetLoadingWorkers();

    /// <summary>Items that wait for a worker, by tenant, as far as their shards told. Paused ones do not wait.</summary>
    [Alias("GetWaiting")] Task<Dictionary<string, int>> GetWaiting();
}

/// <summary>What a worker could take.</summary>
/// <param name="ItemCount">Items that it has places for.</param>
/// <param name="BulkItemCount">Of these, items that nobody waits for: a worker keeps a few places for those that somebody does.</param>
/// <param name="YieldingItemCount">Beyond these, items that somebody waits for: bulk items would give way to them.</param>
[GenerateSerializer, Immutable, Alias("emu3.WorkAppetite")]
public readonly record struct WorkerCapacity(
    [property: Id(0)] int ItemCount, [property: Id(1)] int BulkItemCount, [property: Id(2)] int YieldingItemCount);

/// <summary>The dispatcher's answer to a worker.</summary>
/// <param name="IsRegistered">The dispatcher knows the worker; one that it does not know is told nothing, and must register.</param>
/// <param name="Hints">Where to ask. Empty: nothing to do, the worker will be woken.</param>
/// <param name="MinAskPeriod">Time that a worker shall let pass before it asks again unwoken: many workers ask less often each.</param>
[GenerateSerializer, Immutable, Alias("emu3.WorkHints")]
public sealed record WorkHints(
    [property: Id(0)] bool IsRegistered, [property: Id(1)] IReadOnlyList<WorkHint> Hints, [property: Id(2)] TimeSpan MinAskPeriod);

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
