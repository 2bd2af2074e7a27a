namespace Emu3.Grains.Dispatch;

/// <summary>Workers of one model that could take more, by what they could take; with the sums of it.</summary>
internal sealed class AvailableWorkers
{
    private readonly HashSet<KnownWorker> _forAnything = [];
    private readonly HashSet<KnownWorker> _forInteractive = []; // only their reserve is free
    private readonly HashSet<KnownWorker> _yielding = []; // nothing is free, and bulk items would give way

    public int ItemCount { get; private set; }
    public int BulkItemCount { get; private set; }

    /// <summary>A worker counts by what is <see cref="KnownWorker.Unmet"/>; that must not change while it is in.</summary>
    public void Add(KnownWorker worker)
    {
        if (!SetOf(worker).Add(worker)) return;
        ItemCount += worker.Unmet.ItemCount;
        BulkItemCount += worker.Unmet.BulkItemCount;
    }

    public void Remove(KnownWorker worker)
    {
        if (!SetOf(worker).Remove(worker)) return;
        ItemCount -= worker.Unmet.ItemCount;
        BulkItemCount -= worker.Unmet.BulkItemCount;
    }

    /// <summary>Those that could take such an item, best first: the emptiest, so that work is spread.</summary>
    public IEnumerable<KnownWorker> For(bool isInteractive)
    {
        var emptiest = _forAnything.OrderByDescending(worker => worker.Unmet.BulkItemCount);
        return isInteractive ? emptiest.Concat(_forInteractive.OrderByDescending(worker => worker.Unmet.ItemCount)).Concat(_yielding) : emptiest;
    }

    private HashSet<KnownWorker> SetOf(KnownWorker worker) =>
        worker.Unmet.BulkItemCount > 0 ? _forAnything : worker.Unmet.ItemCount > 0 ? _forInteractive : _yielding;
}
