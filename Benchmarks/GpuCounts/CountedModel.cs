using Emu3.Inference;
using Emu3.Inference.Batching;
using Emu3.Inference.Engine;
using Emu3.Inference.Model;
using Emu3.Inference.Tokens;
using static TorchSharp.torch;

namespace Emu3.Benchmarks.GpuCounts;

/// <summary>
/// A decoder with the real model's heads, positions and vocabulary in bfloat16, as a GPU would run it, but narrow and with few layers: the number of operations
/// depends on none of the widths, and on the layers linearly.
/// </summary>
public sealed class CountedModel : IDisposable
{
    private const int Hidden = 32 * HeadDim, HeadDim = 4, Intermediate = 64;
    private readonly TorchThread thread = new();
    private readonly TorchSharp.Scalar deviation = 0.02; // of the weights
    private readonly Emu3Model model;
    private readonly KvCache cache;
    private readonly TorchModelRunner runner;
    private readonly SlotPool slots;

    /// <param name="layers">Of the decoder.</param>
    /// <param name="slotCount">Sequences.</param>
    public CountedModel(int layers, int slotCount)
    {
        Tensor Random(params long[] shape) => randn(shape, dtype: ScalarType.BFloat16).mul_(deviation).DetachFromDisposeScope();
        LinearWeights Linear(long outputs, long inputs) => new(Random(outputs, inputs), null);
        using var scope = NewDisposeScope();
        model = new Emu3Model(s_config with { LayerCount = layers }, s_tokens, new TransformerWeights(
            Random(s_config.VocabularySize, Hidden),
            [.. Enumerable.Range(0, layers).Select(_ => new LayerWeights(
                Random(Hidden), Linear((32 + 2 * 8) * HeadDim, Hidden), Linear(Hidden, 32 * HeadDim), Random(Hidden), Linear(2 * Intermediate, Hidden), Linear(Hidden, Intermediate)))],
            Random(Hidden), Random(s_config.VocabularySize, Hidden)), Emu3Model.Linear);
        cache = new KvCache(model.Config, layers, slotCount, s_config.MaxPositions, ScalarType.BFloat16, CPU);
        runner = new TorchModelRunner(model, cache, s_tokens, rowFloor: 16);
        slots = new SlotPool(slotCount);
    }

    /// <summary>The real model's, but for its widths.</summary>
    private static readonly TransformerConfig s_config = new()
    {
        VocabularySize = 184_622,
        HiddenSize = Hidden,
        IntermediateSize = Intermediate,
        LayerCount = 1,
        HeadCount = 32,
        KeyValueHeadCount = 8,
        HeadDim = HeadDim,
        RopeTheta = 1e6,
        RmsNormEpsilon = 1e-5,
        MaxPositions = 9_216,
        TieWordEmbeddings = false,
        AttentionBias = false,
        MlpBias = false,
    };

    private static readonly SpecialTokens s_tokens = new()
    {
        BeginOfSequence = 151_849,
        EndOfSequence = 151_850,
        Padding = 151_643,
        BeginOfImage = 151_852,
        EndOfImage = 151_853,
        Image = 151_851,
        EndOfLine = 151_846,
        EndOfFrame = 151_847,
        FirstVisual = 151_854,
        VisualCount = 32_768,
    };

    /// <summary>Positions of a block of keys.</summary>
    public int BlockSize => cache.BlockSize;

    /// <summary>What goes between host and device.</summary>
    public HostLink Link => model.Link;

    /// <summary>One step of guided pictures that have so many tokens behind them, with the defaults of the real checkpoint: guidance 3, top-k 2,048.</summary>
    /// <param name="pictures">In flight; two rows each.</param>
    /// <param name="context">Tokens of each sequence.</param>
    /// <returns>The operations of that step.</returns>
    public StepCount Step(int pictures, int context)
    {
        var scheduler = new BatchScheduler(slots, prefillChunk: 256, new SingleDraws());
        var sequences = Enumerable.Range(0, pictures).Select(i => new Sequence(
            new ImageGrammar(10, 10, s_tokens), [new int[context], new int[context]], [],
            new DrawSettings(new SamplingSettings(1, 2048, 1), Seed: (ulong)i, GuidanceScale: 3))).ToArray();
        foreach (var sequence in sequences)
            scheduler.Add(sequence);
        scheduler.Admit();
        foreach (var branch in sequences.SelectMany(sequence => sequence.Branches))
            branch.CachedCount = context - 1; // zeros
        using var counter = new OperationCounter();
        var (waits, received, sent, sentBytes) = (Link.ReceivedCount, Link.ReceivedBytes, Link.SentCount, Link.SentBytes);
        var tokens = runner.Run(scheduler.Plan()!);
        foreach (var sequence in sequences)
            scheduler.Remove(sequence);
        if (tokens.Any(token => token is null))
            throw new InvalidOperationException("The logits of the counted model are not finite numbers.");
        return new StepCount(
            counter.Count, counter.CallCount, counter.TotalCount, new SortedDictionary<string, int>(counter.Operations, StringComparer.Ordinal), counter.Waiting,
            Link.ReceivedCount - waits, Link.ReceivedBytes - received, Link.SentCount - sent, Link.SentBytes - sentBytes);
    }

    public void Dispose()
    {
        cache.Dispose();
        model.Dispose();
        deviation.Dispose();
        thread.Dispose();
    }
}

/// <summary>What one step did.</summary>
/// <param name="Operations">Operations that compute.</param>
/// <param name="Calls">Calls into libtorch, views too.</param>
/// <param name="All">All that passed the hook.</param>
/// <param name="ByName">Operations that compute, by name.</param>
/// <param name="Waiting">Operations other than the fetch that make the host wait, by name.</param>
/// <param name="Waits">Fetches: so often the host waits.</param>
/// <param name="ReceivedBytes">Device to host.</param>
/// <param name="Sends">Host to device, without waiting.</param>
/// <param name="SentBytes">Host to device.</param>
public sealed record StepCount(
    int Operations, int Calls, int All, IReadOnlyDictionary<string, int> ByName, IReadOnlyList<string> Waiting, long Waits, long ReceivedBytes, long Sends, long SentBytes);
