using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Dispatch;

/// <summary>A worker as the dispatcher knows it. Times are counted from any fixed moment.</summary>
internal sealed class KnownWorker(WorkerInfo info)
{
    public WorkerInfo Info { get; set; } = info;
    public TimeSpan HeardAt { get; set; }

    /// <summary>What it could still take when it asked last.</summary>
    public WorkerCapacity Unmet { get; set; }

    /// <summary>It was woken, and has not asked since.</summary>
    public TimeSpan? WokenAt { get; set; }

    /// <summary>The last time that ledger and catalog were told of it; null: never.</summary>
    public TimeSpan? MetAt { get; set; }

    public bool IsHungry => Unmet.ItemCount > 0 || Unmet.YieldingItemCount > 0;
}
