using Emu3.Inference.Batching;
using Emu3.Inference.Tokens;
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
    /// <summary>Rows of a forward pass at most; more are run in several. Bounds the row counts that the self-test has to try.</summary>
    public const int MaxRows = 128;

    private readonly RotaryEmbedding rotary = new(config.MaxPositions, config.HeadDim, config.RopeTheta, weights.Embedding.dtype, weights.Embedding.device);
    private readonly double scale = 1 / Math.Sqrt(config.HeadDim);

    /// <summary>Sizes.</summary>
    public TransformerConfig Config => config;

    /// <summary>Of weights, cache and activations.</summary>
    public ScalarType Dtype => weights.Embedding.dtype;

    /// <summary>Where it computes.</summary>
    public Device Device => weights.Embedding.device;

    /// <summary>Multiplies by [out, in] weights as they lie in the checkpoint.</summary>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias) => nn.functional.linear(x, weight, bias);

    /// <summary>Runs rows through as many layers as the cache has, storing their keys and values on the way.</summary>
    /// <param name="layout">Rows, <see cref="MaxRows"/> at most. All positions before each are in the cache or among the rows.</param>
    /// <param name="cache">Read and written.</param>
    /// <param name="rowFloor">Linear layers see a multiple of this many rows.</param>
    /// <param name="observe">Gets the hidden states behind the embedding and each layer, before the final norm.</param>
    /// <returns>[padded rows, hidden], behind the final norm, in the layout's order</returns>
    public Tensor Forward(RowLayout layout, KvCache cache, int rowFloor, Action<Tensor>? observe = null)
    {
        using var scope = NewDisposeScope();
        var rows = new RowBatch(layout, rowFloor, cache, Device);
        var at = rotary.At(rows.Positions);
        var x = zeros([rows.PaddedCount, config.HiddenSize], Dtype, Device); // [rows, hidden]
        x.narrow(0, 0, rows.Count).copy_(weights.Embedding.index_select(0, rows.Tokens));
        observe?.Invoke(x);
        for (var layer = 0; layer < cache.LayerCount; layer++)
        {
            using var layerScope = NewDisposeScope();
            var (w, epsilon) = (weights.Layers[layer], config.RmsNormEpsilon);
            x.add_(Attend(RmsNorm.Apply(x, w.InputNorm, epsilon), w, layer, rows, at, cache));
            x.add_(Mlp(RmsNorm.Apply(x, w.PostAttentionNorm, epsilon), w));
            observe?.Invoke(x);
        }
        return RmsNorm.Apply(x, weights.Norm, config.RmsNormEpsilon).MoveToOuterDisposeScope();
    }

    /// <summary>Logits of some rows.</summary>
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
        var head = visualOnly ? weights.Head.narrow(0, tokens.FirstVisual, tokens.VisualCount) : weights.Head;
        var logits = linear(hidden.index_select(0, tensor(padded, device: Device)), head, null);
        return logits.narrow(0, 0, rows.Count).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private Tensor Attend(Tensor x, LayerWeights w, int layer, RowBatch rows, (Tensor, Tensor) at, KvCache cache)
    {
        var (heads, keyHeads, headDim) = (config.HeadCount, config.KeyValueHeadCount, config.HeadDim);
        var qkv = linear(x, w.Qkv.Weight, w.Qkv.Bias).narrow(0, 0, rows.Count).view(rows.Count, heads + 2 * keyHeads, headDim);
        var turned = rotary.Turn(qkv.narrow(1, 0, heads + keyHeads), at); // [rows, heads + kvHeads, headDim]
        cache.Write(layer, rows.Places, turned.narrow(1, heads, keyHeads), qkv.narrow(1, heads + keyHeads, keyHeads));
        var query = turned.narrow(1, 0, heads).mul(scale); // [rows, heads, headDim]
        var output = zeros([rows.PaddedCount, heads * headDim], Dtype, Device);
        foreach (var group in rows.Groups)
        {
            var attended = Attention.Apply(query.narrow(0, group.Rows.Start, group.Rows.Count), cache, layer, group);
            output.narrow(0, group.Rows.Start, group.Rows.Count).copy_(attended.view(group.Rows.Count, heads * headDim));
        }
        return linear(output, w.Output.Weight, w.Output.Bias);
    }

    /// <summary>down(silu(gate(x))·up(x)); silu as x / (1 + e⁻ˣ), since the library's own rounds by row count at some widths.</summary>
    private Tensor Mlp(Tensor x, LayerWeights w)
    {
        var gateUp = linear(x, w.GateUp.Weight, w.GateUp.Bias); // [rows, 2·intermediate]
        var gate = gateUp.narrow(1, 0, config.IntermediateSize);
        var up = gateUp.narrow(1, config.IntermediateSize, config.IntermediateSize);
        return linear(gate.div(gate.neg().exp_().add_(1)).mul_(up), w.Down.Weight, w.Down.Bias);
    }

    public void Dispose()
    {
        rotary.Dispose();
        foreach (var tensor in weights.All())
            tensor.Dispose();
    }
}
