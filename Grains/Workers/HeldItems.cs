using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Workers;

/// <summary>
/// The items that a worker has leases on: those that run, those that wait for a slot, and how many more it could take. Callers may come from any thread;
/// nothing is awaited under the lock.
/// </summary>
internal sealed class HeldItems(SlotBudget budget)
{
    // Generated items are held in memory until their file and their report have got through: where neither does, no more are made.
    private const int FewUnrecorded = 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<(JobId, int), ItemRun> _runs = [];
    private readonly List<ItemRun> _waiting = [];
    private readonly Dictionary<ItemRun, Task> _tasks = [];
    private int _askedFor; // items that shards were asked for and have not answered
    private bool _hasYielded; // bulk items gave way, and no place has become free by itself since

    public int Count
    {
        get
        {
            lock (_lock) return _runs.Count;
        }
    }

    /// <summary>Items that have not left the worker, and what completes when all of them have.</summary>
    public (IReadOnlyList<ItemRun> Runs, Task Left) All
    {
        get
        {
            lock (_lock) return ([.. _tasks.Keys], Task.WhenAll(_tasks.Values));
        }
    }

    /// <summary>Shards that items are held of.</summary>
    public IReadOnlyList<(JobId Job, int Shard)> Shards
    {
        get
        {
            lock (_lock) return [.. _runs.Values.Select(run => (run.Job, run.Shard)).Distinct()];
        }
    }

    public IReadOnlyList<ItemRun> OfShard(JobId job, int shard)
    {
        lock (_lock) return [.. _runs.Values.Where(run => run.Job == job && run.Shard == shard)];
    }

    /// <summary>What more the worker could take: now, or when pictures that are near their end have left.</summary>
    public WorkerCapacity Capacity
    {
        get
        {
            lock (_lock)
            {
                if (_runs.Values.Any(run => run.Lease.RunsAlone && !run.HasFreedSlots)) return default;
                if (_runs.Values.Count(run => run.HasFreedSlots) >= Math.Max(FewUnrecorded, budget.SlotCount)) return default;
                var held = _runs.Values.Where(run => !run.HasFreedSlots).ToList();
                var staying = held.Where(run => !run.IsNearItsEnd).ToList();
                var (items, bulkItems) = budget.Wanted(SlotsOf(staying, isInteractive: false), SlotsOf(staying, isInteractive: true));
                items = Math.Max(0, items - _askedFor);
                bulkItems = Math.Clamp(bulkItems - _askedFor, 0, items);
                return new(items, CanTakeBulk ? bulkItems : 0, SlotBudget.ItemsOf(held.Where(CanYield).Sum(run => run.Slots)));
            }
        }
    }

    /// <summary>Shards are asked for so many items; a negative number: they have answered.</summary>
    public void Asked(int itemCount)
    {
        lock (_lock) _askedFor += itemCount;
    }

    /// <summary>A lease was granted. Returns an older run of the same item: its lease was lost, or this one would not have been granted.</summary>
    /// <param name="run">The item.</param>
    /// <param name="begin">Begins what takes it through the worker; must not wait.</param>
    public ItemRun? Add(ItemRun run, Func<ItemRun, Task> begin)
    {
        lock (_lock)
        {
            _runs.Remove((run.Job, run.Lease.Item), out var older);
            _runs[(run.Job, run.Lease.Item)] = run;
            _waiting.Add(run);
            _tasks[run] = begin(run);
            return older;
        }
    }

    /// <summary>It has left the worker.</summary>
    public void Remove(ItemRun run)
    {
        lock (_lock)
        {
            if (_runs.TryGetValue((run.Job, run.Lease.Item), out var current) && current == run) _runs.Remove((run.Job, run.Lease.Item));
            _waiting.Remove(run);
            _tasks.Remove(run);
            if (!run.IsGivenBack) _hasYielded = false;
        }
    }

    /// <summary>
    /// Starts what there are slots for. Interactive items first; each kind in the order of its leases. An item that must run alone waits for the others to
    /// end, and they for it. Returns bulk items that are to give way to interactive ones that find no slot.
    /// </summary>
    public IReadOnlyList<ItemRun> StartWaiting()
    {
        lock (_lock)
        {
            foreach (var run in _waiting.OrderBy(run => run.IsInteractive ? 0 : 1).ToList())
            {
                var running = Running();
                if (running.Any(other => other.Lease.RunsAlone)) return [];
                if (run.Lease.RunsAlone ? running.Count > 0
                    : !budget.CanStart(run.IsInteractive, run.Slots, SlotsOf(running, isInteractive: false), SlotsOf(running, isInteractive: true))) continue;
                run.Start();
                _waiting.Remove(run);
            }

            return Yielding();
        }
    }

    private List<ItemRun> Yielding()
    {
        var waiting = _waiting.Where(run => run is { IsInteractive: true, Lease.RunsAlone: false }).ToList();
        if (waiting.Count == 0) return [];
        var running = Running();
        var candidates = running.Where(CanYield).ToList();
        var free = budget.SlotsInEngine - running.Where(run => !run.IsGivenBack).Sum(run => run.Slots);
        var chosen = Preemption.Choose(
            [.. candidates.Select(run => new Preemption.Candidate(run.Slots, run.TokenCount, run.MaxTokens))], [.. waiting.Select(run => run.Slots)], free);
        if (chosen.Count > 0) _hasYielded = true;
        return [.. chosen.Select(index => candidates[index])];
    }

    /// <summary>What gave way must not come back at once, to the same full worker, and wait there for what another could begin.</summary>
    private bool CanTakeBulk => !_hasYielded && !_waiting.Exists(run => run.IsInteractive);

    private List<ItemRun> Running() => [.. _runs.Values.Where(other => other.IsStarted && !other.HasFreedSlots)];

    private static bool CanYield(ItemRun run) => run is { IsInteractive: false, IsStarted: true, HasFreedSlots: false, IsGivenBack: false, Lease.RunsAlone: false };

    private static int SlotsOf(List<ItemRun> runs, bool isInteractive) => runs.Where(run => run.IsInteractive == isInteractive).Sum(run => run.Slots);
}
