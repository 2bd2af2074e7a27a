using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>
/// Keys and values of all slots, allocated once. A slot is one sequence's contiguous positions; consecutive slots are one view, so that a
/// batch of neighbours attends without copying.
/// </summary>
public sealed class KvCache : IDisposable
{
    private readonly Tensor[] keys;
    private readonly Tensor[] values;

    /// <param name="config">Heads and their size.</param>
    /// <param name="layerCount">Layers held; a forward pass runs as many.</param>
    /// <param name="slotCount">Sequences.</param>
    /// <param name="positionCount">Of each slot; rounded up to whole blocks.</param>
    /// <param name="dtype">Of keys and values.</param>
    /// <param name="device">Where.</param>
    public KvCache(TransformerConfig config, int layerCount, int slotCount, int positionCount, ScalarType dtype, Device device)
    {
        (HeadCount, SlotCount, BlockSize) = (config.KeyValueHeadCount, slotCount, BlockSizeOf(config));
        PositionCount = RoundUp(positionCount, BlockSize);
        Tensor[] Allocate() => [.. Enumerable.Range(0, layerCount).Select(_ =>
            zeros([(long)SlotCount * HeadCount, PositionCount, config.HeadDim], dtype, device).DetachFromDisposeScope())];
        (keys, values) = (Allocate(), Allocate());
    }

    /// <summary>
    /// Attention goes through the keys in blocks of this many positions, counted from 0: 256, or 128 where sequences are so short that most of
    /// a larger block would be hidden. It decides bits, so it follows from the checkpoint alone.
    /// </summary>
    public static int BlockSizeOf(TransformerConfig config) => config.MaxPositions <= 1024 ? 128 : 256;

    public int BlockSize { get; }
    public int LayerCount => keys.Length;
    public int SlotCount { get; }
    public int PositionCount { get; }

    /// <summary>Key and value heads.</summary>
    public int HeadCount { get; }

    /// <summary>[slots·kvHeads, positions, headDim]</summary>
    public Tensor Keys(int layer) => keys[layer];

    /// <summary>[slots·kvHeads, positions, headDim]</summary>
    public Tensor Values(int layer) => values[layer];

    /// <summary>Bytes that a slot takes.</summary>
    public static long SlotBytes(TransformerConfig config, int positionCount, ScalarType dtype) =>
        2L * config.LayerCount * config.KeyValueHeadCount * RoundUp(positionCount, BlockSizeOf(config)) * config.HeadDim * (dtype == ScalarType.Float32 ? 4 : 2);

    /// <summary>Stores new keys and values.</summary>
    /// <param name="layer">Which.</param>
    /// <param name="places">Index of each row's heads among [slots·kvHeads·positions]; [rows·kvHeads]</param>
    /// <param name="key">[rows, kvHeads, headDim]</param>
    /// <param name="value">[rows, kvHeads, headDim]</param>
    public void Write(int layer, Tensor places, Tensor key, Tensor value)
    {
        var headDim = key.size(2);
        keys[layer].view(-1, headDim).index_copy_(0, places, key.reshape(-1, headDim));
        values[layer].view(-1, headDim).index_copy_(0, places, value.reshape(-1, headDim));
    }

    /// <summary>Forgets what a slot held. Masked positions still count with weight zero, so they must be finite.</summary>
    public void Clear(int slot)
    {
        using var scope = NewDisposeScope();
        foreach (var tensor in keys.Concat(values))
            tensor.narrow(0, (long)slot * HeadCount, HeadCount).zero_();
    }

    public void Dispose()
    {
        foreach (var tensor in keys.Concat(values))
            tensor.Dispose();
    }

    private static int RoundUp(int positions, int block) => (positions + block - 1) / block * block;
}
