using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Dispatch;

/// <summary>
/// Who gets the next free place. Interactive jobs go first, but every eighth grant goes to batch work where some waits. Between tenants: the one that
/// was served least for its weight. Within a tenant: priority, age of the job, place in the job, so that few shards of a job are open.
/// No clock, no I/O.
/// </summary>
/// <param name="weightOf">A tenant's share against others'; above 0.</param>
public sealed class DispatchPlan(Func<string, double> weightOf)
{
    private const int BatchTurn = 8;

    // Items to a grant: small enough that tenants alternate within one worker's request.
    private const int ItemsInGrant = 8;

    private readonly Dictionary<(JobId, int), Entry> _entries = [];
    private readonly Dictionary<(string WeightsHash, bool IsInteractive), Dictionary<string, SortedSet<Entry>>> _pools = [];
    private readonly Dictionary<string, double> _served = [];
    private int _grantCount;

    /// <summary>Items that wait for workers, as far as their shards told.</summary>
    public int PendingCount => _entries.Values.Sum(entry => entry.Available);

    /// <summary>A shard tells what it has; that replaces what was known of it.</summary>
    public void Offer(ShardOffer offer)
    {
        if (_entries.Remove((offer.Job, offer.Shard), out var known)) Take(known, known.Available);
        if (offer.PendingCount <= 0) return;
        var entry = new Entry(offer) { Available = offer.PendingCount };
        _entries[(offer.Job, offer.Shard)] = entry;
        var pool = PoolOf(entry);
        if (!pool.TryGetValue(offer.Tenant, out var waiting)) pool[offer.Tenant] = waiting = new(EntryOrder.Instance);
        if (waiting.Count == 0) Join(pool, offer.Tenant);
        waiting.Add(entry);
    }

    /// <summary>Hints for a worker, best first, each shard once.</summary>
    /// <param name="weightsHash">Of the model that it has loaded.</param>
    /// <param name="freeItemCount">Items that it takes in all.</param>
    /// <param name="batchItemCount">Of these, batch items at most.</param>
    public IReadOnlyList<WorkHint> Next(string weightsHash, int freeItemCount, int batchItemCount)
    {
        var hints = new Dictionary<(JobId, int), int>();
        while (freeItemCount > 0)
        {
            var interactive = Best((weightsHash, true));
            var batch = batchItemCount > 0 ? Best((weightsHash, false)) : null;
            var isBatch = interactive is null || (batch is not null && (_grantCount + 1) % BatchTurn == 0);
            if ((isBatch ? batch : interactive) is not { } entry) break;
            var count = Math.Min(Math.Min(entry.Available, ItemsInGrant), isBatch ? Math.Min(freeItemCount, batchItemCount) : freeItemCount);
            var tenant = entry.Offer.Tenant;
            _served[tenant] = _served.GetValueOrDefault(tenant) + (count / weightOf(tenant));
            _grantCount++;
            Take(entry, count);
            hints[(entry.Offer.Job, entry.Offer.Shard)] = hints.GetValueOrDefault((entry.Offer.Job, entry.Offer.Shard)) + count;
            freeItemCount -= count;
            if (isBatch) batchItemCount -= count;
        }

        return [.. hints.Select(hint => new WorkHint(hint.Key.Item1, hint.Key.Item2, hint.Value))];
    }

    private Entry? Best((string, bool) key) => _pools.TryGetValue(key, out var pool)
        ? pool.Where(tenant => tenant.Value.Count > 0).OrderBy(tenant => _served.GetValueOrDefault(tenant.Key)).ThenBy(tenant => tenant.Value.Min!, EntryOrder.Instance)
            .Select(tenant => tenant.Value.Min).FirstOrDefault()
        : null;

    private void Take(Entry entry, int count)
    {
        entry.Available -= count;
        if (entry.Available > 0) return;
        var pool = PoolOf(entry);
        if (!pool.TryGetValue(entry.Offer.Tenant, out var waiting)) return;
        waiting.Remove(entry);
        if (waiting.Count == 0) pool.Remove(entry.Offer.Tenant);
    }

    /// <summary>A tenant that had nothing waiting begins level with the others: idle time earns no credit.</summary>
    private void Join(Dictionary<string, SortedSet<Entry>> pool, string tenant)
    {
        var others = pool.Where(other => other.Key != tenant && other.Value.Count > 0).Select(other => _served.GetValueOrDefault(other.Key));
        _served[tenant] = Math.Max(_served.GetValueOrDefault(tenant), others.DefaultIfEmpty().Min());
    }

    private Dictionary<string, SortedSet<Entry>> PoolOf(Entry entry)
    {
        var key = (entry.Offer.WeightsHash, entry.Offer.Priority == JobPriority.Interactive);
        return _pools.TryGetValue(key, out var pool) ? pool : _pools[key] = [];
    }

    private sealed class Entry(ShardOffer offer)
    {
        public ShardOffer Offer { get; } = offer;

        /// <summary>Items told by the shard, less those that workers were sent for since.</summary>
        public int Available { get; set; }
    }

    private sealed class EntryOrder : IComparer<Entry>
    {
        public static readonly EntryOrder Instance = new();

        public int Compare(Entry? x, Entry? y) =>
            (x!.Offer.Priority, x.Offer.CreatedAt, x.Offer.Job.Value, x.Offer.Shard).CompareTo((y!.Offer.Priority, y.Offer.CreatedAt, y.Offer.Job.Value, y.Offer.Shard));
    }
}
