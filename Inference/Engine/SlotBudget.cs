namespace Emu3.Inference.Engine;

/// <summary>How many slots an engine gets when its options leave that open.</summary>
internal static class SlotBudget
{
    private const int MaxSlots = 64;
    private const double Share = 0.5; // of free memory: the rest is for activations and the vision tokenizer, or for other programs where those are known
    private const int FewestSlots = 2; // a guided picture takes two

    /// <summary>Positions of each slot.</summary>
    public static int Positions(EngineOptions options, int modelPositions) =>
        Math.Min(options.SlotPositions == 0 ? modelPositions : options.SlotPositions, modelPositions);

    /// <summary>Slots.</summary>
    /// <param name="options">Their own number goes first.</param>
    /// <param name="slotBytes">Of one.</param>
    /// <param name="freeBytes">That the engine may take.</param>
    /// <param name="otherBytes">What it will take beside its slots, where all of that is known: then a few slots may take more than their share. 0: not known.</param>
    /// <exception cref="InvalidOperationException">There is no room for one.</exception>
    public static int Count(EngineOptions options, long slotBytes, long freeBytes, long otherBytes = 0)
    {
        if (options.SlotCount > 0)
            return options.SlotCount;
        var left = Math.Max(0, freeBytes - otherBytes);
        var count = Math.Min(MaxSlots, (long)(Share * left) / slotBytes);
        if (otherBytes > 0 && count < FewestSlots)
            count = Math.Min(FewestSlots, left / slotBytes);
        return count > 0 ? (int)count : throw new InvalidOperationException(
            $"A slot of this checkpoint takes {slotBytes >> 20} MiB, and {left >> 20} MiB are free for slots on {options.Device}: {freeBytes >> 20} MiB less {otherBytes >> 20} MiB for weights, "
            + "buffers and a picture. Fewer positions (Engine:SlotPositions, --positions) make slots smaller; else more memory is needed.");
    }
}
