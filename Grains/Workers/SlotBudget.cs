namespace Emu3.Grains.Workers;

/// <summary>What a worker may start and lease, from the slots it has. A guided picture takes two slots, anything else one.</summary>
/// <param name="SlotCount">Slots of the engine.</param>
/// <param name="ReservedSlots">Of these, slots that bulk items don't get.</param>
/// <param name="LookAheadSlots">Slots' worth of items held ready.</param>
public readonly record struct SlotBudget(int SlotCount, int ReservedSlots, int LookAheadSlots)
{
    // An item of unknown kind is taken for a guided picture.
    private const int SlotsOfAny = 2;

    /// <summary>With nothing reserved the engine itself holds the next items, and a slot is taken again in the step after it was freed.</summary>
    private int QueuedInEngine => ReservedSlots == 0 ? LookAheadSlots : 0;

    /// <summary>Slots' worth of items that may be in the engine at once.</summary>
    public int SlotsInEngine => SlotCount + QueuedInEngine;

    /// <summary>Whether an item may go to the engine. One always may.</summary>
    public bool CanStart(bool isInteractive, int slots, int bulkSlotsInUse, int interactiveSlotsInUse)
    {
        if (bulkSlotsInUse + interactiveSlotsInUse == 0) return true;
        var all = bulkSlotsInUse + interactiveSlotsInUse + slots <= SlotsInEngine;
        return all && (isInteractive || bulkSlotsInUse + slots <= SlotCount - ReservedSlots + QueuedInEngine);
    }

    /// <summary>Items to ask for: in all, and bulk ones among them.</summary>
    /// <param name="bulkSlotsHeld">Slots of bulk items that run or wait.</param>
    /// <param name="interactiveSlotsHeld">Slots of interactive items that run or wait.</param>
    public (int Items, int BulkItems) Wanted(int bulkSlotsHeld, int interactiveSlotsHeld)
    {
        var free = SlotCount + LookAheadSlots - bulkSlotsHeld - interactiveSlotsHeld;
        var bulk = Math.Min(free, SlotCount - ReservedSlots + LookAheadSlots - bulkSlotsHeld);
        return (ItemsOf(free), ItemsOf(bulk));
    }

    /// <summary>Items of unknown kind that find place in so many slots; one, if any slot is free.</summary>
    public static int ItemsOf(int slots) => slots <= 0 ? 0 : Math.Max(1, slots / SlotsOfAny);

    /// <summary>Slots that an item takes.</summary>
    public static int SlotsOf(Interfaces.ItemSpec spec) => spec.Image is { GuidanceScale: not 1 } ? 2 : 1;
}
