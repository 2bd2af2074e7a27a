namespace Emu3.Inference.Batching;

/// <summary>Slots of the cache that nobody holds. The lowest ones go first, so that the taken ones stay close together.</summary>
public sealed class SlotPool
{
    private readonly SortedSet<int> free;

    /// <param name="count">Slots in all: 0 to <paramref name="count"/> − 1.</param>
    public SlotPool(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
        free = [.. Enumerable.Range(0, count)];
    }

    /// <summary>Slots in all.</summary>
    public int Count { get; }

    /// <summary>Slots that nobody holds.</summary>
    public int FreeCount => free.Count;

    /// <summary>The lowest free slot.</summary>
    public int Take()
    {
        if (free.Count == 0)
            throw new InvalidOperationException($"All {Count} slots are taken.");
        var slot = free.Min;
        free.Remove(slot);
        return slot;
    }

    /// <summary>Gives a slot back.</summary>
    public void Return(int slot)
    {
        if ((uint)slot >= (uint)Count || !free.Add(slot))
            throw new InvalidOperationException($"Slot {slot} is not taken.");
    }
}
