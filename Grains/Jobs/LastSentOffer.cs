using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>
/// What the dispatcher was last told that a shard has to give. It counts items off by its own hints: once a worker came for some, the same number
/// means something else to it, and has to be told again. No clock, no I/O.
/// </summary>
internal sealed class LastSentOffer
{
    // The number alone counts: zero under any priority is nothing.
    private (int PendingCount, JobPriority Priority)? _told = (0, default);

    /// <summary>Whether the dispatcher has to hear of this.</summary>
    public bool IsNews(ShardOffer offer) =>
        _told is not { } told || (told != (offer.PendingCount, offer.Priority) && (offer.PendingCount > 0 || told.PendingCount > 0));

    /// <summary>It is being told: workers that come while the message is on its way count from here.</summary>
    public void Tell(ShardOffer offer) => _told = (offer.PendingCount, offer.Priority);

    /// <summary>What it believes is not known: a worker came for items, or a message was lost.</summary>
    public void Lose() => _told = null;

    /// <summary>It may have begun anew, with nothing: of a shard that has nothing it need not hear.</summary>
    public void Forget() => _told = (0, default);
}
