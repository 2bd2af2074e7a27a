using Emu3.Inference.Memory;
using TorchSharp;
using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>
/// Keys and values of all slots, allocated once. A slot is one sequence's positions, cut into blocks; the first blocks of all slots lie behind each other,
/// then the second ones, so that the blocks which a full batch reads are one view, however long its sequences are.
/// </summary>
public sealed class KvCache : IDisposable
{
    private static readonly Scalar Hidden = -1e30f; // finite: a block that is hidden as a whole must not make NaN

    private readonly Tensor[] layers;
    private readonly Tensor heads, kinds;

    /// <param name="config">Heads and their size.</param>
    /// <param name="layerCount">Layers held; a forward pass runs as many.</param>
    /// <param name="slotCount">Sequences.</param>
    /// <param name="positionCount">Of each slot; rounded up to whole blocks.</param>
    /// <param name="dtype">Of keys and values.</param>
    /// <param name="device">Where.</param>
    public KvCache(TransformerConfig config, int layerCount, int slotCount, int positionCount, ScalarType dtype, Device device)
    {
        using var scope = NewDisposeScope();
        (HeadCount, SlotCount, BlockSize) = (config.KeyValueHeadCount, slotCount, BlockSizeOf(config));
        BlockCount = (positionCount + BlockSize - 1) / BlockSize;
        var (copied, scores) = (CudaMemory.CopiedBytes(config, dtype == ScalarType.Float32), CudaMemory.ScoreBytes(config, dtype == ScalarType.Float32));
        MaxCopied = (int)Math.Max(1, CudaMemory.AttentionWorkspace / (copied + scores));
        MaxInPlace = (int)Math.Max(1, CudaMemory.AttentionWorkspace / scores);
        layers = [.. Enumerable.Range(0, layerCount).Select(_ =>
            zeros([(long)BlockCount * SlotCount, HeadCount, 2, BlockSize, config.HeadDim], dtype, device).DetachFromDisposeScope())];
        heads = Counting(HeadCount, device).view(1, -1, 1).DetachFromDisposeScope();
        kinds = Counting(2, device).view(1, 1, -1).DetachFromDisposeScope();
        Masks = zeros([BlockSize + 1, BlockSize], float32, device).masked_fill_(
            Counting(BlockSize, device).ge(Counting(BlockSize + 1, device).unsqueeze(1)), Hidden).DetachFromDisposeScope();
    }

    /// <summary>See <see cref="CudaMemory.KeyBlock"/>.</summary>
    public static int BlockSizeOf(TransformerConfig config) => CudaMemory.KeyBlock(config);

    public int BlockSize { get; }
    public int LayerCount => layers.Length;
    public int SlotCount { get; }

    /// <summary>Blocks of each slot.</summary>
    public int BlockCount { get; }

    /// <summary>Key and value heads.</summary>
    public int HeadCount { get; }

    /// <summary>Blocks that attention may copy at once.</summary>
    internal int MaxCopied { get; }

    /// <summary>Blocks that attention may read in place at once.</summary>
    internal int MaxInPlace { get; }

    /// <summary>What is added to the scores of a block of which so many positions are visible; float32 [block + 1, block]</summary>
    internal Tensor Masks { get; }

    /// <summary>Keys (0) and values (1); [blocks·slots, kvHeads, 2, block, headDim]</summary>
    public Tensor Layer(int layer) => layers[layer];

    /// <summary>Index of a slot's block among [blocks·slots].</summary>
    public long BlockOf(int slot, int block) => (long)block * SlotCount + slot;

    /// <summary>Bytes that a slot takes.</summary>
    public static long SlotBytes(TransformerConfig config, int positionCount, ScalarType dtype) =>
        CudaMemory.SlotBytes(config, positionCount, isFloat32: dtype == ScalarType.Float32);

    /// <summary>Where the keys and values of rows go.</summary>
    /// <param name="Blocks">Index among [blocks·slots]; [rows]</param>
    /// <param name="Offsets">Position in the block; [rows]</param>
    public sealed record Places(Tensor Blocks, Tensor Offsets);

    /// <summary>Stores new keys and values.</summary>
    /// <param name="layer">Which.</param>
    /// <param name="places">Where.</param>
    /// <param name="keysAndValues">[rows, 2·kvHeads, headDim]: keys, then values</param>
    public void Write(int layer, Places places, Tensor keysAndValues)
    {
        var values = keysAndValues.view(keysAndValues.size(0), 2, HeadCount, -1).transpose(1, 2); // [rows, kvHeads, 2, headDim]
        layers[layer].index_put_(values, [places.Blocks.view(-1, 1, 1), heads, kinds, places.Offsets.view(-1, 1, 1)]);
    }

    /// <summary>Forgets what a slot held. Masked positions still count with weight zero, so they must be finite.</summary>
    public void Clear(int slot)
    {
        using var scope = NewDisposeScope();
        foreach (var layer in layers)
            layer.view(BlockCount, SlotCount, -1).narrow(1, slot, 1).zero_();
    }

    /// <summary>0, 1, …; int64 [count]</summary>
    private static Tensor Counting(int count, Device device)
    {
        using Scalar end = count;
        return arange(Numbers.Zero, end, Numbers.One, int64, device);
    }

    public void Dispose()
    {
        foreach (var tensor in layers.Concat([heads, kinds, Masks]))
            tensor.Dispose();
    }
}
