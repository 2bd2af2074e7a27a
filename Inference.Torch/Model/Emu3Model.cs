using Emu3.Inference.Batching;
using Emu3.Inference.Tokens;
using TorchSharp;
using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>
/// The decoder (paper: arXiv 2409.18869 §3; reference: transformers models/emu3/modeling_emu3.py, Emu3TextModel.forward).
/// Holds no state between calls but its weights.
/// </summary>
/// <param name="config">Sizes.</param>
/// <param name="tokens">Where the visual rows of the head are.</param>
/// <param name="weights">Owned by the model.</param>
/// <param name="linear">The one kernel of all linear layers.</param>
public sealed class Emu3Model(TransformerConfig config, SpecialTokens tokens, TransformerWeights weights, LinearKernel linear) : IDisposable
{
    /// <summary>Rows of a forward pass at most; more are run in several.</summary>
    public const int MaxRows = RowCounts.Most;

    private readonly RotaryEmbedding rotary = new(config.MaxPositions, config.HeadDim, config.RopeTheta, weights.Embedding.dtype, weights.Embedding.device);
    private readonly Tensor epsilon = tensor(new[] { (float)config.RmsNormEpsilon }, device: weights.Embedding.device).DetachFromDisposeScope();
    private readonly Scalar hiddenInverse = 1.0 / config.HiddenSize;

    /// <summary>Sizes.</summary>
    public TransformerConfig Config => config;

    /// <summary>Of weights, cache and activations.</summary>
    public ScalarType Dtype => weights.Embedding.dtype;

    /// <summary>Where it computes.</summary>
    public Device Device => weights.Embedding.device;

    /// <summary>Factor of the scores: 1 ÷ √headDim.</summary>
    internal Scalar ScoreScale { get; } = 1 / Math.Sqrt(config.HeadDim);

    /// <summary>All that goes between host and device.</summary>
    public HostLink Link { get; } = new(weights.Embedding.device);

    /// <summary>Multiplies by [out, in] weights as they lie in the checkpoint.</summary>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias, Tensor? onto = null) =>
        onto is null ? nn.functional.linear(x, weight, bias) : bias is null ? onto.addmm_(x, weight.t()) : onto.add_(nn.functional.linear(x, weight, bias), Numbers.One);

    /// <summary>Runs rows through as many layers as the cache has, storing their keys and values on the way.</summary>
    /// <param name="planned">Rows, <see cref="MaxRows"/> at most. All positions before each are in the cache or among the rows.</param>
    /// <param name="cache">Read and written.</param>
    /// <param name="rowFloor">Linear layers see a multiple of this many rows.</param>
    /// <param name="observe">Gets the hidden states behind the embedding and each layer, before the final norm.</param>
    /// <returns>[padded rows, hidden], behind the final norm</returns>
    public Tensor Forward(IReadOnlyList<PlannedRow> planned, KvCache cache, int rowFloor, Action<Tensor>? observe = null)
    {
        using var scope = NewDisposeScope();
        var rows = new RowBatch(planned, rowFloor, cache, Link);
        var at = rotary.At(rows.Positions);
        var x = weights.Embedding.index_select(0, rows.Tokens); // [padded rows, hidden]
        var attended = zeros([rows.PaddedCount, config.HeadCount * config.HeadDim], Dtype, Device); // of each layer in turn; rows that fill up stay zero
        observe?.Invoke(x);
        for (var layer = 0; layer < cache.LayerCount; layer++)
        {
            using var layerScope = NewDisposeScope();
            var w = weights.Layers[layer];
            Attend(RmsNorm.Apply(x, w.InputNorm, epsilon, hiddenInverse), w, layer, rows, at, cache, attended);
            linear(attended, w.Output.Weight, w.Output.Bias, onto: x);
            linear(Gate(RmsNorm.Apply(x, w.PostAttentionNorm, epsilon, hiddenInverse), w), w.Down.Weight, w.Down.Bias, onto: x);
            observe?.Invoke(x);
        }
        return RmsNorm.Apply(x, weights.Norm, epsilon, hiddenInverse).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Logits of some rows. The head is multiplied in slabs as high as the visual tokens' part of it: kernels are chosen by the shape, and so all tokens are computed
    /// by the one that the self-test of row invariance has tried.
    /// </summary>
    /// <param name="hidden">What <see cref="Forward"/> gave; [rows, hidden]</param>
    /// <param name="rows">Indices of the rows.</param>
    /// <param name="visualOnly">Only the visual tokens', in codebook order; else the whole vocabulary's.</param>
    /// <param name="rowFloor">The head sees a multiple of this many rows.</param>
    /// <returns>float32 [rows, allowed tokens]</returns>
    public Tensor Logits(Tensor hidden, IReadOnlyList<int> rows, bool visualOnly, int rowFloor)
    {
        using var scope = NewDisposeScope();
        var padded = new long[(rows.Count + rowFloor - 1) / rowFloor * rowFloor]; // the first row fills up
        for (var i = 0; i < rows.Count; i++)
            padded[i] = rows[i];
        var chosen = hidden.index_select(0, Link.Send(padded));
        var logits = visualOnly ? linear(chosen, weights.Head.narrow(0, tokens.FirstVisual, tokens.VisualCount), null) : WholeHead(chosen);
        return logits.narrow(0, 0, rows.Count).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private Tensor WholeHead(Tensor chosen)
    {
        long count = weights.Head.size(0), slab = Math.Min(tokens.VisualCount, count);
        List<Tensor> parts = [];
        for (long start = 0; start < count; start += slab)
        {
            var from = Math.Min(start, count - slab); // the last one begins inside the one before
            var logits = linear(chosen, weights.Head.narrow(0, from, slab), null);
            parts.Add(from == start ? logits : logits.narrow(1, start - from, from + slab - start));
        }
        return cat(parts, 1); // [rows, vocabulary]
    }

    private void Attend(Tensor x, LayerWeights w, int layer, RowBatch rows, (Tensor, Tensor) at, KvCache cache, Tensor to)
    {
        var (heads, keyHeads) = (config.HeadCount, config.KeyValueHeadCount);
        var qkv = linear(x, w.Qkv.Weight, w.Qkv.Bias).narrow(0, 0, rows.Count).view(rows.Count, heads + 2 * keyHeads, config.HeadDim);
        rotary.Turn(qkv.narrow(1, 0, heads + keyHeads), at);
        cache.Write(layer, rows.Places, qkv.narrow(1, heads, 2 * keyHeads));
        var query = qkv.narrow(1, 0, heads); // [rows, heads, headDim]
        foreach (var part in rows.Parts)
            to.narrow(0, part.Rows.Start, part.Rows.Count).copy_(Attention.Apply(query, cache, layer, part, ScoreScale).view(part.Rows.Count, -1));
    }

    /// <summary>silu(gate(x))·up(x); [rows, intermediate]</summary>
    private Tensor Gate(Tensor x, LayerWeights w)
    {
        var gateUp = linear(x, w.GateUp.Weight, w.GateUp.Bias); // [rows, 2·intermediate]
        return gateUp.narrow(1, 0, config.IntermediateSize).silu().mul_(gateUp.narrow(1, config.IntermediateSize, config.IntermediateSize));
    }

    public void Dispose()
    {
        rotary.Dispose();
        epsilon.Dispose();
        hiddenInverse.Dispose();
        ScoreScale.Dispose();
        foreach (var tensor in weights.All())
            tensor.Dispose();
    }
}
