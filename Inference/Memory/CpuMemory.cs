using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Vision;
using Emu3.Inference.Engine;
using Emu3.Inference.Model;

namespace Emu3.Inference.Memory;

/// <summary>What a checkpoint takes on the processor. Pure.</summary>
internal static class CpuMemory
{
    /// <summary>Compiled code, stacks of threads and the managed heap of a loaded engine at work, beyond what the process had before: 6 to 10 MB were measured with emu3-tiny and one picture.</summary>
    private const long ProgramBytes = 16L << 20;

    private const long DrawBytes = 20; // of a thread's sampler, for each token of the vocabulary

    /// <param name="config">Of the checkpoint.</param>
    /// <param name="weights">Of the checkpoint.</param>
    /// <param name="options">Slots and their positions.</param>
    /// <param name="uses">What it is used for.</param>
    /// <param name="availableBytes">From which the number of slots follows where the options leave it open.</param>
    /// <exception cref="InvalidOperationException">The number of slots is left open, and there is no room for one.</exception>
    public static MemoryForecast Forecast(Emu3Config config, WeightSizes weights, EngineOptions options, ModelUses uses, long availableBytes)
    {
        var positions = SlotBudget.Positions(options, config.Transformer.MaxPositions);
        var slotBytes = SlotBytes(config, positions, uses);
        var others = Of(config, weights, options, slotCount: 0, positions, uses);
        return Of(config, weights, options, SlotBudget.Count(options, slotBytes, availableBytes, others.NeededBytes), positions, uses);
    }

    private static MemoryForecast Of(Emu3Config config, WeightSizes weights, EngineOptions options, int slotCount, int positions, ModelUses uses)
    {
        var transformer = config.Transformer;
        // Text draws from the whole head, a picture from the visual tokens' part.
        var visualHead = weights.HeadBytes * config.Tokens.VisualCount / transformer.VocabularySize;
        var passBytes = weights.PassBytes - weights.HeadBytes + (uses.Draws ? visualHead : weights.HeadBytes);
        List<MemoryPart> parts =
        [
            new("weights, mapped from their files", weights.MappedBytes, MemoryKind.Mapped, $"a pass reads {MemoryForecast.Text(passBytes)} of it"),
            new("weights in float32", weights.CopiedBytes, MemoryKind.Held, "vectors, the codebook, and what the kernels can't read in place"),
            new("keys and values", slotCount * CpuKvCache.SlotBytes(transformer, positions), MemoryKind.Held, $"{slotCount} slots of {positions} positions; taken as positions are first used"),
            new("buffers of a pass", PassBytes(transformer, positions) + options.ThreadCount * DrawBytes * transformer.VocabularySize + slotCount * LogitBytes(config, uses), MemoryKind.Held, $"{CpuModel.MaxRows} rows at most, logits, rotary tables"),
            new("program", ProgramBytes, MemoryKind.Held, "code, threads and managed heap, beside what the process has now"),
        ];
        var layouts = 0L;
        if (uses.Draws)
            Add("decode", [.. PictureSizes.Drawn(config, positions).Select(size => (VisionTrace.OfDecoding(config.Vision, size.Height, size.Width), size.Height * config.Vision.SpatialFactor, size.Width * config.Vision.SpatialFactor))]);
        if (uses.Chats)
            Add("encode", [.. PictureSizes.Read(config, positions).Select(size => (VisionTrace.OfEncoding(config.Vision, size.Height, size.Width), size.Height, size.Width))]);
        if (layouts > 0)
            parts.Add(new("vision tokenizer's kernels", layouts, MemoryKind.Held, "laid out when the first picture comes"));
        return new MemoryForecast
        {
            Device = options.Device,
            SlotCount = slotCount,
            Positions = positions,
            SlotBytes = SlotBytes(config, positions, uses),
            Parts = parts,
            PassBytes = passBytes,
            KeptPictureBytes = Math.Min(PlanePool.KeptBytes, parts.Where(part => part.Kind == MemoryKind.Picture).Select(part => part.Bytes).DefaultIfEmpty().Max()),
            RevisitedBytes = uses.Chats ? weights.PassBytes : passBytes,
        };

        void Add(string verb, IReadOnlyList<(VisionMemory Memory, int Height, int Width)> pictures)
        {
            var (memory, height, width) = pictures.MaxBy(picture => picture.Memory.PlaneBytes);
            parts.Add(new($"a picture to {verb}", memory.PlaneBytes, MemoryKind.Picture, $"{width}x{height} pixels, the largest that a slot holds; {pictures[0].Width}x{pictures[0].Height}: {MemoryForecast.Text(pictures[0].Memory.PlaneBytes)}"));
            layouts += VisionMemory.LayoutBytes(pictures.Select(picture => picture.Memory));
        }
    }

    /// <summary>What <see cref="CpuModel"/> allocates for itself.</summary>
    private static long PassBytes(TransformerConfig config, int positions) =>
        PassBuffers.Bytes(config, CpuKvCache.PaddedHeadDim(config), CpuModel.MaxRows) + CpuAttention.Bytes(config, positions, CpuModel.MaxRows) + RotaryTable.Bytes(positions, config.HeadDim);

    /// <summary>A slot with its row of logits.</summary>
    private static long SlotBytes(Emu3Config config, int positions, ModelUses uses) => CpuKvCache.SlotBytes(config.Transformer, positions) + LogitBytes(config, uses);

    /// <summary>A row of logits, in a block that may be twice as large.</summary>
    private static long LogitBytes(Emu3Config config, ModelUses uses) => 2L * sizeof(float) * (uses.Chats ? config.Transformer.VocabularySize : config.Tokens.VisualCount);
}

/// <summary>What a checkpoint is used for.</summary>
/// <param name="Draws">Pictures.</param>
/// <param name="Chats">Text, about pictures too.</param>
internal readonly record struct ModelUses(bool Draws, bool Chats);
