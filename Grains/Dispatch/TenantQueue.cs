using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Dispatch;

/// <summary>
/// What waits of one tenant. The highest priority goes first, but a priority that was passed over <see cref="MaxPassedOver"/> times gets the next
/// grant: higher ones delay it eightfold at most and never keep it waiting for ever. Within a priority: age of the job, place in the job.
/// </summary>
internal sealed class TenantQueue(string tenant, Func<string, double> weightOf, double served, long joined)
{
    /// <summary>Grants that others may have before it is one's turn, whoever they are.</summary>
    public const int MaxPassedOver = 7;

    private readonly SortedSet<WaitingShard>[] _byPriority = [.. Enum.GetValues<JobPriority>().Select(_ => new SortedSet<WaitingShard>(WaitingShard.Order.Instance))];
    private readonly int[] _passedOver = new int[Enum.GetValues<JobPriority>().Length];

    public string Tenant { get; } = tenant;

    /// <summary>Items that it got, each divided by the weight that it then had.</summary>
    public double Served { get; private set; } = served;

    /// <summary>Which of two that were served equally goes first.</summary>
    public long Joined { get; } = joined;

    public int ShardCount { get; private set; }

    public void Add(WaitingShard shard)
    {
        if (_byPriority[(int)shard.Offer.Priority].Add(shard)) ShardCount++;
    }

    public void Remove(WaitingShard shard)
    {
        if (_byPriority[(int)shard.Offer.Priority].Remove(shard)) ShardCount--;
    }

    /// <summary>The shard whose turn it is. Some must wait.</summary>
    public WaitingShard Next()
    {
        for (var priority = _byPriority.Length - 1; priority > 0; priority--)
            if (_byPriority[priority].Count > 0 && _passedOver[priority] >= MaxPassedOver) return _byPriority[priority].Min!;
        return _byPriority.First(shards => shards.Count > 0).Min!;
    }

    /// <summary>Items of this shard were granted.</summary>
    public void Charge(WaitingShard shard, int count)
    {
        Served += count / weightOf(Tenant);
        var granted = (int)shard.Offer.Priority;
        _passedOver[granted] = 0;
        for (var lower = granted + 1; lower < _byPriority.Length; lower++)
            if (_byPriority[lower].Count > 0) _passedOver[lower]++;
    }
}
