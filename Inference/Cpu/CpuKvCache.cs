using Emu3.Inference.Model;

namespace Emu3.Inference.Cpu;

/// <summary>
/// Keys and values of all slots. A slot is one sequence's contiguous positions. What a slot held before needs no clearing: attention reads no position that
/// the sequence has not written.
/// </summary>
internal sealed unsafe class CpuKvCache : IDisposable
{
    private readonly NativeFloats[] keys;
    private readonly NativeFloats[] values;

    /// <param name="config">Layers, heads and their size.</param>
    /// <param name="slotCount">Sequences.</param>
    /// <param name="positionCount">Of each slot.</param>
    /// <exception cref="OutOfMemoryException">There is not as much memory.</exception>
    public CpuKvCache(TransformerConfig config, int slotCount, int positionCount)
    {
        (HeadCount, HeadDim, SlotCount, PositionCount) = (config.KeyValueHeadCount, PaddedHeadDim(config), slotCount, positionCount);
        NativeFloats[] Allocate() => [.. Enumerable.Range(0, config.LayerCount).Select(_ => new NativeFloats((long)slotCount * HeadCount * positionCount * HeadDim))];
        (keys, values) = (Allocate(), Allocate());
    }

    public int SlotCount { get; }

    /// <summary>Of each slot.</summary>
    public int PositionCount { get; }

    /// <summary>Key and value heads.</summary>
    public int HeadCount { get; }

    /// <summary>Of a stored head: the model's, rounded up to whole lanes, with zeros behind.</summary>
    public int HeadDim { get; }

    /// <summary>The model's head size rounded up to whole lanes.</summary>
    public static int PaddedHeadDim(TransformerConfig config) => (config.HeadDim + 15) / 16 * 16;

    /// <summary>Bytes that a slot takes.</summary>
    public static long SlotBytes(TransformerConfig config, int positionCount) =>
        2L * config.LayerCount * config.KeyValueHeadCount * positionCount * PaddedHeadDim(config) * sizeof(float);

    /// <summary>Of one slot and head from a position on; [positions, headDim]</summary>
    public float* Keys(int layer, int slot, int head, int position) => keys[layer].Address + Offset(slot, head, position);

    /// <summary>The same.</summary>
    public float* Values(int layer, int slot, int head, int position) => values[layer].Address + Offset(slot, head, position);

    public void Dispose()
    {
        foreach (var part in keys.Concat(values))
            part.Dispose();
    }

    private nint Offset(int slot, int head, int position) => (((nint)slot * HeadCount + head) * PositionCount + position) * HeadDim;
}
