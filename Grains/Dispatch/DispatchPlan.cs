using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Dispatch;

/// <summary>
/// Who gets the next free place. Interactive jobs go first, but bulk work that was passed over seven times gets the next grant that may be one of bulk.
/// Between tenants: <see cref="TenantPool"/>. Within a tenant: <see cref="TenantQueue"/>. A grant takes time that grows with the logarithm of what waits.
/// No clock, no I/O.
/// </summary>
/// <param name="weightOf">A tenant's share against others'; above 0.</param>
public sealed class DispatchPlan(Func<string, double> weightOf)
{
    // Items to a grant: small enough that tenants alternate within one worker's request.
    private const int ItemsInGrant = 8;

    private readonly Dictionary<(JobId Job, int Shard), WaitingShard> _shards = [];
    private readonly Dictionary<string, ModelQueue> _models = [];
    private readonly Dictionary<(JobId Job, int Shard), int> _unconfirmed = [];
    private int _look;

    /// <summary>Items that wait for workers, as far as their shards told.</summary>
    public int PendingCount => _models.Values.Sum(model => model.Interactive.PendingCount + model.Bulk.PendingCount);

    /// <summary>Items that wait for workers with these weights: those that somebody waits for, and others.</summary>
    public (int Interactive, int Bulk) PendingOf(string weightsHash) =>
        _models.TryGetValue(weightsHash, out var model) ? (model.Interactive.PendingCount, model.Bulk.PendingCount) : (0, 0);

    /// <summary>Items that wait for workers, by tenant.</summary>
    public Dictionary<string, int> PendingByTenant() =>
        _shards.Values.GroupBy(shard => shard.Offer.Tenant).ToDictionary(tenant => tenant.Key, tenant => tenant.Sum(shard => shard.Available));

    /// <summary>A shard tells what it has; that replaces what was known of it.</summary>
    public void Offer(ShardOffer offer)
    {
        var key = (offer.Job, offer.Shard);
        _unconfirmed.Remove(key);
        if (_shards.TryGetValue(key, out var known))
        {
            if (offer.PendingCount > 0 && known.IsSamePlace(offer))
            {
                PoolOf(known).Change(known, offer.PendingCount);
                return;
            }

            PoolOf(known).Remove(known);
            _shards.Remove(key);
        }

        if (offer.PendingCount <= 0) return;
        var shard = new WaitingShard(offer);
        _shards[key] = shard;
        PoolOf(shard).Add(shard);
    }

    /// <summary>Hints for a worker, best first, each shard once.</summary>
    /// <param name="weightsHash">Of the model that it has loaded.</param>
    /// <param name="freeItemCount">Items that it takes in all.</param>
    /// <param name="bulkItemCount">Of these, bulk items at most.</param>
    public IReadOnlyList<WorkHint> Next(string weightsHash, int freeItemCount, int bulkItemCount)
    {
        if (!_models.TryGetValue(weightsHash, out var model)) return [];
        var hints = new List<WorkHint>();
        while (freeItemCount > 0)
        {
            var isBulkPossible = bulkItemCount > 0 && !model.Bulk.IsEmpty;
            if (model.Interactive.IsEmpty && !isBulkPossible) break;
            var isBulk = model.Interactive.IsEmpty || (isBulkPossible && model.BulkPassedOver >= TenantQueue.MaxPassedOver);
            var pool = isBulk ? model.Bulk : model.Interactive;
            var shard = pool.Next();
            var count = Math.Min(Math.Min(shard.Available, ItemsInGrant), isBulk ? Math.Min(freeItemCount, bulkItemCount) : freeItemCount);
            pool.Grant(shard, count);
            model.BulkPassedOver = isBulk ? 0 : model.BulkPassedOver + (model.Bulk.IsEmpty ? 0 : 1);
            Note(hints, shard, count);
            freeItemCount -= count;
            if (isBulk) bulkItemCount -= count;
        }

        return hints;
    }

    /// <summary>
    /// Shards that workers were sent to before the last call of this, and that have told nothing since: the worker may have died on its way, and what
    /// it was sent for waits unknown. Each is named once, <paramref name="most"/> in a call; it should be asked.
    /// </summary>
    public IReadOnlyList<(JobId Job, int Shard)> Silent(int most)
    {
        var silent = _unconfirmed.Where(pair => pair.Value < _look).Select(pair => pair.Key).Take(most).ToList();
        foreach (var shard in silent) _unconfirmed.Remove(shard);
        _look++;
        return silent;
    }

    private void Note(List<WorkHint> hints, WaitingShard shard, int count)
    {
        var key = (shard.Offer.Job, shard.Offer.Shard);
        _unconfirmed.TryAdd(key, _look);
        if (shard.Available == 0) _shards.Remove(key);
        var place = hints.FindIndex(hint => hint.Job == key.Job && hint.Shard == key.Shard);
        if (place < 0) hints.Add(new WorkHint(key.Job, key.Shard, count));
        else hints[place] = hints[place] with { ItemCount = hints[place].ItemCount + count };
    }

    private TenantPool PoolOf(WaitingShard shard)
    {
        if (!_models.TryGetValue(shard.Offer.WeightsHash, out var model)) _models[shard.Offer.WeightsHash] = model = new ModelQueue(weightOf);
        return shard.IsInteractive ? model.Interactive : model.Bulk;
    }

    private sealed class ModelQueue(Func<string, double> weightOf)
    {
        public TenantPool Interactive { get; } = new(weightOf);
        public TenantPool Bulk { get; } = new(weightOf);

        /// <summary>Grants to interactive work since the last one of bulk, while some of that waited.</summary>
        public int BulkPassedOver { get; set; }
    }
}
