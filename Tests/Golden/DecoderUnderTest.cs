using System.Runtime.InteropServices;
using Emu3.Inference.Batching;
using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Engine;
using Emu3.Inference.Model;
using Emu3.Inference.Weights;
using static TorchSharp.torch;

namespace Emu3.Tests.Golden;

/// <summary>The two ways a decoder is computed.</summary>
public enum Way
{
    /// <summary>Our own kernels.</summary>
    Cpu,

    /// <summary>TorchSharp, as on other devices.</summary>
    Torch,
}

/// <summary>A checkpoint's decoder alone, computed in one of the ways.</summary>
internal abstract class DecoderUnderTest(Emu3Config config) : IDisposable
{
    public static DecoderUnderTest Open(ModelFolder folder, Way way) => way == Way.Cpu ? new CpuDecoderUnderTest(folder) : new TorchDecoderUnderTest(folder);

    public Emu3Config Config => config;

    /// <summary>Empty slots, and what runs steps on them.</summary>
    public abstract SlotsUnderTest Slots(int count);

    /// <summary>One sequence from its first token, in chunks; all numbers [rows, …].</summary>
    public abstract (float[][] Hidden, float[] Logits, float[] VisualLogits) Forward(int[] ids, int chunk);

    public abstract void Dispose();

    protected List<float>[] NoHidden() => [.. Enumerable.Range(0, config.Transformer.LayerCount + 1).Select(_ => new List<float>())];

    protected static IEnumerable<PlannedRow[]> Chunks(int[] ids, int chunk) =>
        ids.Select((token, position) => new PlannedRow(token, position, 0)).Chunk(chunk);
}

/// <summary>Slots of a decoder under test.</summary>
internal abstract class SlotsUnderTest : IDisposable
{
    public abstract IModelRunner Runner { get; }

    /// <summary>All bits of the keys and values of a slot's first positions.</summary>
    public abstract IEnumerable<byte> CacheBits(int slot, int positions);

    public abstract void Dispose();
}

internal sealed class CpuDecoderUnderTest : DecoderUnderTest
{
    private readonly CheckpointFiles files;
    private readonly CpuWeightReader reader;
    private readonly CpuTransformerWeights weights;
    private readonly ICpuKernels kernels;
    private readonly int threadCount;

    public CpuDecoderUnderTest(ModelFolder folder, ICpuKernels? kernels = null, int threads = 1) : base(ConfigReader.Read(folder))
    {
        (this.kernels, threadCount) = (kernels ?? CpuKernels.Fastest, threads);
        files = CheckpointFiles.Open(folder);
        reader = new CpuWeightReader(files);
        weights = CpuTransformerWeights.Take(reader, Config.Transformer);
    }

    public override SlotsUnderTest Slots(int count) => new CpuSlots(this, count);

    public override (float[][] Hidden, float[] Logits, float[] VisualLogits) Forward(int[] ids, int chunk)
    {
        using var slots = new CpuSlots(this, 1);
        var (hidden, size) = (NoHidden(), Config.Transformer.HiddenSize);
        List<float> logits = [], visual = [];
        foreach (var rows in Chunks(ids, chunk))
        {
            var layer = 0;
            int[] all = [.. Enumerable.Range(0, rows.Length)];
            float[] last;
            unsafe
            {
                last = new Span<float>(slots.Model.Forward(rows, all, x => hidden[layer++].AddRange(x)), rows.Length * size).ToArray();
            }
            hidden[^1].RemoveRange(hidden[^1].Count - last.Length, last.Length);
            hidden[^1].AddRange(last); // the reference's last one is behind the final norm
            logits.AddRange(Logits(slots.Model, all, visualOnly: false));
            visual.AddRange(Logits(slots.Model, all, visualOnly: true));
        }
        return ([.. hidden.Select(values => values.ToArray())], [.. logits], [.. visual]);
    }

    public override void Dispose()
    {
        reader.Dispose();
        files.Dispose();
    }

    private float[] Logits(CpuModel model, int[] rows, bool visualOnly)
    {
        var logits = new float[rows.Length * (visualOnly ? Config.Tokens.VisualCount : Config.Transformer.VocabularySize)];
        model.Logits(rows, visualOnly, logits);
        return logits;
    }

    private sealed class CpuSlots : SlotsUnderTest
    {
        private readonly CpuKvCache cache;
        private readonly CpuThreads threads;
        private readonly int layers, headDim;

        public CpuSlots(CpuDecoderUnderTest decoder, int count)
        {
            var config = decoder.Config.Transformer;
            (layers, headDim) = (config.LayerCount, config.HeadDim);
            cache = new CpuKvCache(config, count, config.MaxPositions);
            threads = new CpuThreads(decoder.kernels, decoder.threadCount, config.HeadCount / config.KeyValueHeadCount, cache.HeadDim);
            Model = new CpuModel(config, decoder.Config.Tokens, decoder.weights, cache, threads);
            Runner = new CpuModelRunner(Model, threads, decoder.Config.Tokens, config.VocabularySize);
        }

        public CpuModel Model { get; }

        public override IModelRunner Runner { get; }

        public override IEnumerable<byte> CacheBits(int slot, int positions) =>
            from layer in Enumerable.Range(0, layers)
            from head in Enumerable.Range(0, cache.HeadCount)
            from position in Enumerable.Range(0, positions)
            from bits in Bits(layer, slot, head, position)
            select bits;

        public override void Dispose()
        {
            Model.Dispose();
            threads.Dispose();
            cache.Dispose();
        }

        private unsafe byte[] Bits(int layer, int slot, int head, int position) =>
        [
            .. MemoryMarshal.AsBytes(new ReadOnlySpan<float>(cache.Keys(layer, slot, head, position), headDim)),
            .. MemoryMarshal.AsBytes(new ReadOnlySpan<float>(cache.Values(layer, slot, head, position), headDim)),
        ];
    }
}

internal sealed class TorchDecoderUnderTest : DecoderUnderTest
{
    private readonly IDisposable inference;
    private int? rowFloor;

    public TorchDecoderUnderTest(ModelFolder folder, LinearKernel? linear = null) : base(ConfigReader.Read(folder))
    {
        TorchNative.EnsureLoaded();
        set_num_threads(1);
        inference = inference_mode();
        using var loader = WeightLoader.Open(folder, CPU);
        Model = new Emu3Model(Config.Transformer, Config.Tokens, TransformerWeights.Load(loader, Config.Transformer, ScalarType.Float32), linear ?? Emu3Model.Linear);
    }

    public Emu3Model Model { get; }

    /// <summary>The floor that the self-test finds here: kernels differ between processors.</summary>
    public int RowFloor => rowFloor ??= RowInvariance.FindFloor(Model) ?? throw new InvalidOperationException("There is no floor at which the kernels of this machine are row-invariant.");

    public override SlotsUnderTest Slots(int count) => new TorchSlots(this, count);

    public override (float[][] Hidden, float[] Logits, float[] VisualLogits) Forward(int[] ids, int chunk)
    {
        using var scope = NewDisposeScope();
        using var cache = Cache(1);
        var hidden = NoHidden();
        List<float> logits = [], visual = [];
        foreach (var rows in Chunks(ids, chunk))
        {
            var layer = 0;
            var last = Model.Forward(rows, cache, 4, x => hidden[layer++].AddRange(Floats(x.narrow(0, 0, rows.Length))));
            hidden[^1].RemoveRange(hidden[^1].Count - rows.Length * Config.Transformer.HiddenSize, rows.Length * Config.Transformer.HiddenSize);
            hidden[^1].AddRange(Floats(last.narrow(0, 0, rows.Length))); // the reference's last one is behind the final norm
            int[] all = [.. Enumerable.Range(0, rows.Length)];
            logits.AddRange(Floats(Model.Logits(last, all, visualOnly: false, 4)));
            visual.AddRange(Floats(Model.Logits(last, all, visualOnly: true, 4)));
        }
        return ([.. hidden.Select(values => values.ToArray())], [.. logits], [.. visual]);
    }

    public override void Dispose()
    {
        Model.Dispose();
        inference.Dispose();
    }

    private KvCache Cache(int slotCount) => new(Config.Transformer, Config.Transformer.LayerCount, slotCount, Config.Transformer.MaxPositions, ScalarType.Float32, CPU);

    private static float[] Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.contiguous().bytes).ToArray();

    private sealed class TorchSlots(TorchDecoderUnderTest decoder, int count) : SlotsUnderTest
    {
        private readonly KvCache cache = decoder.Cache(count);

        public override IModelRunner Runner => new TorchModelRunner(decoder.Model, cache, decoder.Config.Tokens, decoder.RowFloor);

        public override IEnumerable<byte> CacheBits(int slot, int positions)
        {
            using var scope = NewDisposeScope();
            return [.. Enumerable.Range(0, cache.LayerCount).SelectMany(layer => Enumerable.Range(0, cache.BlockCount).SelectMany(block =>
                cache.Layer(layer).select(0, cache.BlockOf(slot, block)).permute(2, 0, 1, 3).narrow(0, 0, Math.Clamp(positions - block * cache.BlockSize, 0, cache.BlockSize))
                    .contiguous().bytes.ToArray()))];
        }

        public override void Dispose() => cache.Dispose();
    }
}
