using System.Diagnostics.CodeAnalysis;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Dispatch;

/// <summary>
/// Who the workers are, what they could still take, and whom an offer wakes. An offer wakes no more workers than there are items nobody is on the way for;
/// work that is too little for all is spread over those that are idle. No clock, no I/O: times are counted from any fixed moment.
/// </summary>
internal sealed class WorkerRoster
{
    // Idle workers all together ask so often in a second: a call takes some 50 µs.
    private const double AsksPerSecond = 500;

    // One that was woken and did not come is not waited for.
    private static readonly TimeSpan s_wayOfWoken = TimeSpan.FromSeconds(1);

    private readonly Dictionary<WorkerId, KnownWorker> _workers = [];
    private readonly Dictionary<string, AvailableWorkers> _available = []; // by weights

    public IReadOnlyCollection<KnownWorker> Workers => _workers.Values;

    /// <summary>Time that a worker lets pass before it asks again unwoken, at least: many workers ask less often each.</summary>
    public TimeSpan MinAskPeriod => TimeSpan.FromSeconds(_workers.Count / AsksPerSecond);

    public bool TryFind(WorkerId id, [NotNullWhen(true)] out KnownWorker? worker) => _workers.TryGetValue(id, out worker);

    /// <summary>Adds a worker that is not there, or takes in what its entry says now.</summary>
    public KnownWorker Add(WorkerInfo info, TimeSpan now)
    {
        if (!_workers.TryGetValue(info.Id, out var worker)) _workers[info.Id] = worker = new KnownWorker(info);
        worker.Info = info;
        worker.HeardAt = now;
        return worker;
    }

    public void Remove(WorkerId id)
    {
        if (_workers.Remove(id, out var worker)) AvailableOf(worker.Info.Model.WeightsHash).Remove(worker);
    }

    /// <summary>
    /// A worker asks. Returns what it may be given of what waits: its part, where others are available too and there is not enough for all.
    /// </summary>
    /// <param name="worker">Who asks.</param>
    /// <param name="capacity">What it could take.</param>
    /// <param name="pending">What waits for its model.</param>
    /// <param name="now">The time.</param>
    public (int Items, int BulkItems) Asks(KnownWorker worker, WorkerCapacity capacity, (int Interactive, int Bulk) pending, TimeSpan now)
    {
        worker.HeardAt = now;
        worker.WokenAt = null;
        var available = AvailableOf(worker.Info.Model.WeightsHash);
        available.Remove(worker);
        worker.Unmet = capacity;
        if (worker.Info.Quarantine is not null) return (0, 0);
        var bulk = Part(capacity.BulkItemCount, pending.Bulk, available.BulkItemCount);
        var interactive = Part(capacity.ItemCount, pending.Interactive, available.ItemCount);

        // Where others have free places, they are on their way to what somebody waits for; where nobody has any, bulk work gives way.
        var yielding = available.ItemCount > 0 ? 0 : Math.Clamp(pending.Interactive - capacity.ItemCount, 0, capacity.YieldingItemCount);
        return (Math.Min(capacity.ItemCount, bulk + interactive) + yielding, bulk);
    }

    /// <summary>What it was given of what it asked for.</summary>
    public void Given(KnownWorker worker, int itemCount, int bulkItemCount)
    {
        var unmet = worker.Unmet;
        worker.Unmet = new(Math.Max(0, unmet.ItemCount - itemCount), Math.Max(0, unmet.BulkItemCount - bulkItemCount), unmet.YieldingItemCount);
        if (worker.IsHungry && worker.Info.Quarantine is null) AvailableOf(worker.Info.Model.WeightsHash).Add(worker);
    }

    /// <summary>Workers to wake while so many items wait: those with free places before those whose bulk items would give way.</summary>
    public IReadOnlyList<KnownWorker> ToWake(string weightsHash, bool isInteractive, int pendingCount, TimeSpan now)
    {
        if (!_available.TryGetValue(weightsHash, out var available)) return [];
        var candidates = available.For(isInteractive).ToList();
        var chosen = candidates.Where(worker => !IsOnTheWay(worker, now)).Take(pendingCount - candidates.Count(worker => IsOnTheWay(worker, now))).ToList();
        foreach (var worker in chosen) worker.WokenAt = now;
        return chosen;
    }

    /// <summary>Whether a worker's device is quarantined, and why.</summary>
    public void SetQuarantine(KnownWorker worker, string? reason)
    {
        if (reason is not null) AvailableOf(worker.Info.Model.WeightsHash).Remove(worker);
        worker.Info = worker.Info with { Quarantine = reason };
    }

    private static bool IsOnTheWay(KnownWorker worker, TimeSpan now) => worker.WokenAt is { } at && now - at < s_wayOfWoken;

    /// <summary>One's part of what waits, rounded up: everything that one could take, where there is enough for all.</summary>
    private static int Part(int mine, int pending, int others) =>
        mine <= 0 || pending <= 0 ? 0 : (int)Math.Min(mine, (((long)pending * mine) + mine + others - 1) / (mine + (long)others));

    private AvailableWorkers AvailableOf(string weightsHash) => _available.TryGetValue(weightsHash, out var available) ? available : _available[weightsHash] = new();
}
