using Emu3.Inference.Model;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Cpu;

/// <summary>The weights of one decoder layer.</summary>
internal sealed record CpuLayerWeights(
    NativeFloats InputNorm, WeightMatrix Query, WeightMatrix Key, WeightMatrix Value, WeightMatrix Output,
    NativeFloats PostAttentionNorm, WeightMatrix Gate, WeightMatrix Up, WeightMatrix Down);

/// <summary>All weights of the decoder, where they lie.</summary>
/// <param name="Embedding">[vocabulary, hidden]</param>
/// <param name="Layers">From the first.</param>
/// <param name="Norm">[hidden]</param>
/// <param name="Head">[vocabulary, hidden]; the embedding itself when they are tied</param>
internal sealed record CpuTransformerWeights(WeightMatrix Embedding, IReadOnlyList<CpuLayerWeights> Layers, NativeFloats Norm, WeightMatrix Head)
{
    /// <summary>Takes the decoder's tensors out of a checkpoint.</summary>
    /// <exception cref="CheckpointException">A tensor is missing or has another shape; the message names it.</exception>
    public static CpuTransformerWeights Take(CpuWeightReader reader, TransformerConfig config)
    {
        var (hidden, queries, keys) = (config.HiddenSize, config.HeadCount * config.HeadDim, config.KeyValueHeadCount * config.HeadDim);
        WeightMatrix Linear(string name, int outputs, int inputs, bool hasBias) =>
            reader.Matrix($"{name}.weight", outputs, inputs, hasBias ? $"{name}.bias" : null);
        CpuLayerWeights Layer(int index)
        {
            var (layer, attention, mlp) = ($"model.layers.{index}.", config.AttentionBias, config.MlpBias);
            return new CpuLayerWeights(
                reader.Vector($"{layer}input_layernorm.weight", hidden),
                Linear($"{layer}self_attn.q_proj", queries, hidden, attention),
                Linear($"{layer}self_attn.k_proj", keys, hidden, attention),
                Linear($"{layer}self_attn.v_proj", keys, hidden, attention),
                Linear($"{layer}self_attn.o_proj", hidden, queries, attention),
                reader.Vector($"{layer}post_attention_layernorm.weight", hidden),
                Linear($"{layer}mlp.gate_proj", config.IntermediateSize, hidden, mlp),
                Linear($"{layer}mlp.up_proj", config.IntermediateSize, hidden, mlp),
                Linear($"{layer}mlp.down_proj", hidden, config.IntermediateSize, mlp));
        }
        var embedding = reader.Matrix("model.embed_tokens.weight", config.VocabularySize, hidden);
        return new CpuTransformerWeights(
            embedding,
            [.. Enumerable.Range(0, config.LayerCount).Select(Layer)],
            reader.Vector("model.norm.weight", hidden),
            config.TieWordEmbeddings ? embedding : reader.Matrix("lm_head.weight", config.VocabularySize, hidden));
    }
}
