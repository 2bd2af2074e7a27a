namespace Emu3.Inference.Engine;

/// <summary>How many slots an engine gets when its options leave that open.</summary>
internal static class SlotBudget
{
    private const int MostSlots = 64;
    private const double Share = 0.5; // of free memory: the rest is for activations and the vision tokenizer

    /// <summary>Positions of each slot.</summary>
    public static int Positions(EngineOptions options, int modelPositions) =>
        Math.Min(options.SlotPositions == 0 ? modelPositions : options.SlotPositions, modelPositions);

    /// <summary>Slots.</summary>
    /// <param name="options">Their own number goes first.</param>
    /// <param name="slotBytes">Of one.</param>
    /// <param name="freeBytes">That nothing else will need.</param>
    /// <exception cref="InvalidOperationException">There is no room for one.</exception>
    public static int Count(EngineOptions options, long slotBytes, long freeBytes)
    {
        if (options.SlotCount > 0)
            return options.SlotCount;
        var count = (int)Math.Min(MostSlots, (long)(Share * Math.Max(0, freeBytes)) / slotBytes);
        return count > 0 ? count : throw new InvalidOperationException(
            $"A slot of this checkpoint takes {slotBytes >> 20} MiB, and {Math.Max(0, freeBytes) >> 20} MiB are free on {options.Device} beside the weights. "
            + "Engine:SlotPositions makes slots smaller.");
    }
}
