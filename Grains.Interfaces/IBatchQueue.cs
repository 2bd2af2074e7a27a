namespace Emu3.Grains.Interfaces;

/// <summary>
/// Batches that may have lost the gateway that looked through their lines, and whose end somebody is to be told of. Kept in memory alone: each offers
/// itself again and again until it is seen to. Key 0.
/// </summary>
[Alias("emu3.IBatchQueue")]
public interface IBatchQueue : IGrainWithIntegerKey
{
    /// <summary>The batch is still not validated.</summary>
    [Alias("Offer")] Task Offer(BatchId batch);

    /// <summary>Those that were offered within the last few minutes. Whether one is being validated, it says itself.</summary>
    [Alias("List")] Task<IReadOnlyList<BatchId>> List();
}
