using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Dispatch;

/// <summary>A shard that has items to give, as far as the dispatcher knows.</summary>
internal sealed class WaitingShard(ShardOffer offer)
{
    public ShardOffer Offer { get; } = offer;

    /// <summary>Items told by the shard, less those that workers were sent for since.</summary>
    public int Available { get; set; } = offer.PendingCount;

    public bool IsInteractive => Offer.Priority == JobPriority.Interactive;

    /// <summary>Whether a later offer leaves it where it is in its queue.</summary>
    public bool IsSamePlace(ShardOffer other) => Offer with { PendingCount = other.PendingCount } == other;

    /// <summary>Older jobs first, and each from its first shard on, so that few shards are open.</summary>
    public sealed class Order : IComparer<WaitingShard>
    {
        public static readonly Order Instance = new();

        public int Compare(WaitingShard? x, WaitingShard? y)
        {
            var (a, b) = (x!.Offer, y!.Offer);
            var byAge = a.CreatedAt.CompareTo(b.CreatedAt);
            if (byAge != 0) return byAge;
            var byJob = string.CompareOrdinal(a.Job.Value, b.Job.Value);
            return byJob != 0 ? byJob : a.Shard.CompareTo(b.Shard);
        }
    }
}
