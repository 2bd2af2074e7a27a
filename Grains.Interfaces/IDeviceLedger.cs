namespace Emu3.Grains.Interfaces;

/// <summary>
/// What devices are suspected of. A device on which three different items died before their first token is quarantined: it gets no work
/// until someone releases it. Durable. Key: 0.
/// </summary>
[Alias("emu3.IDeviceLedger")]
public interface IDeviceLedger : IGrainWithIntegerKey
{
    /// <summary>A worker is there on this device.</summary>
    [Alias("Seen")] Task Seen(WorkerId worker, string device);

    /// <summary>A worker's silo died, and this item had made no progress there. Idempotent for the same worker and item.</summary>
    [Alias("DiedWith")] Task DiedWith(WorkerId worker, JobId job, int item);

    /// <summary>The device finished an item: what it was suspected of is forgotten, unless it is quarantined.</summary>
    [Alias("Finished")] Task Finished(string device);

    /// <summary>Quarantined devices with the reason.</summary>
    [Alias("GetQuarantined")] Task<IReadOnlyDictionary<string, string>> GetQuarantined();

    /// <summary>Gives a device work again. Idempotent.</summary>
    [Alias("Release")] Task Release(string device);
}
