using Emu3.Inference.Weights;
using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>The weights of one decoder layer, projections of the same input fused.</summary>
/// <param name="InputNorm">[hidden]</param>
/// <param name="Qkv">[(heads + 2·kvHeads)·headDim, hidden]: q, then k, then v</param>
/// <param name="Output">[hidden, heads·headDim]</param>
/// <param name="PostAttentionNorm">[hidden]</param>
/// <param name="GateUp">[2·intermediate, hidden]: gate, then up</param>
/// <param name="Down">[hidden, intermediate]</param>
public sealed record LayerWeights(
    Tensor InputNorm, LinearWeights Qkv, LinearWeights Output, Tensor PostAttentionNorm, LinearWeights GateUp, LinearWeights Down);

/// <summary>All weights of the decoder, in one dtype on one device.</summary>
/// <param name="Embedding">[vocabulary, hidden]</param>
/// <param name="Layers">From the first.</param>
/// <param name="Norm">[hidden]</param>
/// <param name="Head">[vocabulary, hidden]; the embedding itself when they are tied</param>
public sealed record TransformerWeights(Tensor Embedding, IReadOnlyList<LayerWeights> Layers, Tensor Norm, Tensor Head)
{
    /// <summary>Takes the decoder's tensors out of a checkpoint.</summary>
    /// <exception cref="CheckpointException">A tensor is missing or has another shape; the message names it.</exception>
    public static TransformerWeights Load(WeightLoader loader, TransformerConfig config, ScalarType dtype)
    {
        var (hidden, queries, keys) = (config.HiddenSize, config.HeadCount * config.HeadDim, config.KeyValueHeadCount * config.HeadDim);
        LinearWeights Linear(string prefix, string[] names, long[] heights, long width, bool hasBias) => new(
            loader.LoadStacked([.. names.Select(name => $"{prefix}{name}.weight")], [.. heights.Select(height => new[] { height, width })], dtype),
            hasBias ? loader.LoadStacked([.. names.Select(name => $"{prefix}{name}.bias")], [.. heights.Select(height => new[] { height })], dtype) : null);
        LayerWeights Layer(int index)
        {
            var (layer, attention, mlp) = ($"model.layers.{index}.", config.AttentionBias, config.MlpBias);
            return new LayerWeights(
                loader.Load($"{layer}input_layernorm.weight", [hidden], dtype),
                Linear($"{layer}self_attn.", ["q_proj", "k_proj", "v_proj"], [queries, keys, keys], hidden, attention),
                Linear($"{layer}self_attn.", ["o_proj"], [hidden], queries, attention),
                loader.Load($"{layer}post_attention_layernorm.weight", [hidden], dtype),
                Linear($"{layer}mlp.", ["gate_proj", "up_proj"], [config.IntermediateSize, config.IntermediateSize], hidden, mlp),
                Linear($"{layer}mlp.", ["down_proj"], [hidden], config.IntermediateSize, mlp));
        }
        var embedding = loader.Load("model.embed_tokens.weight", [config.VocabularySize, hidden], dtype);
        return new TransformerWeights(
            embedding,
            [.. Enumerable.Range(0, config.LayerCount).Select(Layer)],
            loader.Load("model.norm.weight", [hidden], dtype),
            // A head that is there counts, whatever the configuration says: some writers keep a copy of tied weights, and transformers 5 then compares the two.
            config.TieWordEmbeddings && !loader.Has("lm_head.weight") ? embedding : loader.Load("lm_head.weight", [config.VocabularySize, hidden], dtype));
    }

    /// <summary>Each tensor once.</summary>
    public IEnumerable<Tensor> All()
    {
        IEnumerable<Tensor?> layers = Layers.SelectMany(layer => (Tensor?[])[
            layer.InputNorm, layer.Qkv.Weight, layer.Qkv.Bias, layer.Output.Weight, layer.Output.Bias,
            layer.PostAttentionNorm, layer.GateUp.Weight, layer.GateUp.Bias, layer.Down.Weight, layer.Down.Bias]);
        return layers.Concat([Embedding, Norm, ReferenceEquals(Head, Embedding) ? null : Head]).OfType<Tensor>();
    }
}
