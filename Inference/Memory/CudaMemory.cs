using Emu3.Inference.Batching;
using Emu3.Inference.Cpu.Vision;
using Emu3.Inference.Engine;
using Emu3.Inference.Model;

namespace Emu3.Inference.Memory;

/// <summary>What a checkpoint takes on a CUDA device: weights are copied there in the device's type, the vision tokenizer in float32. Pure.</summary>
internal static class CudaMemory
{
    /// <summary>Bytes that one layer's attention takes for a moment at most, for copied keys and values and for scores; a row alone may take more.</summary>
    public const long AttentionWorkspace = 1L << 30;

    private const long ContextBytes = 600L << 20; // context, libraries and their workspaces: an estimate
    private const int PassRows = 512; // of a pass at most: an estimate of what activations take
    private const int ShortModel = 1024, ShortBlock = 128, Block = 256, MaxBlocks = 32; // blocks of a sequence

    /// <summary>
    /// Attention goes through the keys in blocks of this many positions, counted from 0: 256, or 128 where sequences are so short that most of a larger block
    /// would be hidden, or more where there would be more than 32 blocks. It decides bits, so it follows from the checkpoint alone.
    /// </summary>
    public static int KeyBlock(TransformerConfig config)
    {
        var size = config.MaxPositions <= ShortModel ? ShortBlock : Block;
        while (size * MaxBlocks < config.MaxPositions)
            size *= 2;
        return size;
    }

    /// <summary>Bytes of one row's scores of a block: in float32, and twice in the type of the weights.</summary>
    public static long ScoreBytes(TransformerConfig config, bool isFloat32) => (long)config.HeadCount * KeyBlock(config) * (sizeof(float) + 2 * NumberBytes(isFloat32));

    /// <summary>Bytes of a copied block of keys and values.</summary>
    public static long CopiedBytes(TransformerConfig config, bool isFloat32) => 2L * config.KeyValueHeadCount * KeyBlock(config) * config.HeadDim * NumberBytes(isFloat32);

    /// <summary>Bytes that a slot takes: positions in whole blocks.</summary>
    public static long SlotBytes(TransformerConfig config, int positions, bool isFloat32)
    {
        var block = KeyBlock(config);
        return 2L * config.LayerCount * config.KeyValueHeadCount * ((positions + block - 1) / block * block) * config.HeadDim * NumberBytes(isFloat32);
    }

    /// <param name="config">Of the checkpoint.</param>
    /// <param name="weights">Of the checkpoint.</param>
    /// <param name="options">Device, type, slots and their positions.</param>
    /// <param name="uses">What it is used for.</param>
    /// <param name="availableBytes">From which the number of slots follows where the options leave it open.</param>
    /// <exception cref="InvalidOperationException">The number of slots is left open, and there is no room for one.</exception>
    public static MemoryForecast Forecast(Emu3Config config, WeightSizes weights, EngineOptions options, ModelUses uses, long availableBytes)
    {
        var isFloat32 = options.Dtype == "float32";
        var (transformer, positions) = (config.Transformer, SlotBudget.Positions(options, config.Transformer.MaxPositions));
        var slotBytes = SlotBytes(transformer, positions, isFloat32);
        var others = Of(config, weights, options.Device, slotCount: 0, positions, uses, isFloat32);
        return Of(config, weights, options.Device, SlotBudget.Count(options, slotBytes, availableBytes - others.HeldBytes), positions, uses, isFloat32);
    }

    private static MemoryForecast Of(Emu3Config config, WeightSizes weights, string device, int slotCount, int positions, ModelUses uses, bool isFloat32)
    {
        var (transformer, slotBytes, number) = (config.Transformer, SlotBytes(config.Transformer, positions, isFloat32), NumberBytes(isFloat32));
        List<MemoryPart> parts =
        [
            new("weights of the decoder", weights.DecoderCount * number, MemoryKind.Held, $"copied to the device in {(isFloat32 ? "float32" : "bfloat16")}"),
            new("weights of the vision tokenizer", weights.VisionCount * sizeof(float), MemoryKind.Held, "copied to the device in float32"),
            new("keys and values", slotCount * slotBytes, MemoryKind.Held, $"{slotCount} slots of {positions} positions"),
            new("activations and logits", PassRows * number * (4L * transformer.HiddenSize + 3L * transformer.IntermediateSize) + 2L * slotCount * transformer.VocabularySize * sizeof(float),
                MemoryKind.Held, "an estimate"),
            new("attention", Math.Min(AttentionWorkspace, RowCounts.Most * Blocks(transformer, positions) * (CopiedBytes(transformer, isFloat32) + ScoreBytes(transformer, isFloat32))),
                MemoryKind.Held, "copied keys and values, and scores, of one layer at a time; at most"),
            new("context and libraries", ContextBytes, MemoryKind.Held, "an estimate"),
        ];
        if (uses.Draws)
            Add("decode", PictureSizes.Drawn(config, positions).Max(size => VisionTrace.OfDecoding(config.Vision, size.Height, size.Width).PlaneBytes));
        if (uses.Chats)
            Add("encode", PictureSizes.Read(config, positions).Max(size => VisionTrace.OfEncoding(config.Vision, size.Height, size.Width).PlaneBytes));
        return new MemoryForecast
        {
            Device = device,
            SlotCount = slotCount,
            Positions = positions,
            SlotBytes = slotBytes,
            Parts = parts,
            PassBytes = weights.PassBytes, // as the file has it
            RevisitedBytes = 0,
        };

        void Add(string verb, long bytes) => parts.Add(new($"a picture to {verb}", bytes, MemoryKind.Picture, "the largest that a slot holds; an estimate, from what the processor takes"));
    }

    private static long Blocks(TransformerConfig config, int positions) => (positions + KeyBlock(config) - 1) / KeyBlock(config);

    private static int NumberBytes(bool isFloat32) => isFloat32 ? 4 : 2;
}
