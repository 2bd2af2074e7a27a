namespace Emu3.Grains.Dispatch;

/// <summary>
/// Weighted fair queueing between tenants (start-time fair queueing): the one that was served least for its weight is next. A tenant that comes, or comes
/// back, begins level with the one that is served now: idle time earns no credit, and leaving pays no debt.
/// </summary>
internal sealed class TenantPool(Func<string, double> weightOf)
{
    private const int GrantsBetweenSweeps = 1024;

    private readonly Dictionary<string, TenantQueue> _queues = [];
    private readonly SortedSet<TenantQueue> _order = new(new LeastServedFirst());
    private readonly Dictionary<string, double> _servedBefore = []; // of tenants that left with more than the others had
    private double _level; // what the tenant had that was served last
    private long _joinedCount;
    private int _grantCount;

    /// <summary>Items that wait.</summary>
    public int PendingCount { get; private set; }

    public bool IsEmpty => _order.Count == 0;

    public void Add(WaitingShard shard)
    {
        PendingCount += shard.Available;
        if (!_queues.TryGetValue(shard.Offer.Tenant, out var queue))
        {
            var tenant = shard.Offer.Tenant;
            _servedBefore.Remove(tenant, out var before);
            _queues[tenant] = queue = new TenantQueue(tenant, weightOf, Math.Max(before, _level), _joinedCount++);
            _order.Add(queue);
        }

        queue.Add(shard);
    }

    public void Remove(WaitingShard shard)
    {
        PendingCount -= shard.Available;
        Leave(shard);
    }

    /// <summary>The shard has more or less than it was known to have, and something still.</summary>
    public void Change(WaitingShard shard, int available)
    {
        PendingCount += available - shard.Available;
        shard.Available = available;
    }

    /// <summary>The shard whose turn it is. Some must wait.</summary>
    public WaitingShard Next() => _order.Min!.Next();

    /// <summary>Takes items of the shard whose turn it is.</summary>
    public void Grant(WaitingShard shard, int count)
    {
        var queue = _queues[shard.Offer.Tenant];
        _order.Remove(queue);
        _level = queue.Served;
        queue.Charge(shard, count);
        _order.Add(queue);
        Change(shard, shard.Available - count);
        if (shard.Available == 0) Leave(shard);
        if (++_grantCount % GrantsBetweenSweeps == 0) Sweep();
    }

    private void Leave(WaitingShard shard)
    {
        var queue = _queues[shard.Offer.Tenant];
        queue.Remove(shard);
        if (queue.ShardCount > 0) return;
        _order.Remove(queue);
        _queues.Remove(queue.Tenant);
        if (queue.Served > _level) _servedBefore[queue.Tenant] = queue.Served;
    }

    /// <summary>Forgets tenants that would begin level with the others anyway.</summary>
    private void Sweep()
    {
        foreach (var (tenant, served) in _servedBefore.ToList())
            if (served <= _level) _servedBefore.Remove(tenant);
    }

    private sealed class LeastServedFirst : IComparer<TenantQueue>
    {
        public int Compare(TenantQueue? x, TenantQueue? y)
        {
            var byServed = x!.Served.CompareTo(y!.Served);
            return byServed != 0 ? byServed : x.Joined.CompareTo(y.Joined);
        }
    }
}
