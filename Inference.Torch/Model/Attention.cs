using TorchSharp;
using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>
/// Causal attention with grouped key-value heads (reference: eager attention of LlamaAttention), written out so that a row's bits depend
/// on its own prefix alone: every row multiplies matrices of the same shape whatever runs beside it, keys come in blocks of exactly
/// <see cref="KvCache.BlockSize"/> positions counted from 0, all blocks are one batch, and their sums are added in the order of their positions.
/// A block that a row does not see adds zeros to its sums, which changes none of its bits.
/// </summary>
internal static class Attention
{
    /// <param name="query">Of all rows of the pass, turned; [rows, heads, headDim]</param>
    /// <param name="cache">Holds the keys and values of all positions up to the rows' own.</param>
    /// <param name="layer">Which.</param>
    /// <param name="part">The rows.</param>
    /// <param name="scale">Of the scores.</param>
    /// <returns>float32 [rows of the part, heads, headDim]</returns>
    public static Tensor Apply(Tensor query, KvCache cache, int layer, RowBatch.Part part, Scalar scale)
    {
        var (heads, headDim, block) = (query.size(1), query.size(2), cache.BlockSize);
        long blocks = part.Rows.BlockCount, lanes = part.LaneCount, units = blocks * lanes, pairs = units * cache.HeadCount;
        var queries = query.index_select(0, part.Queries).view(pairs, heads / cache.HeadCount, headDim); // [units·kvHeads, heads ÷ kvHeads, headDim]
        var stored = part.Blocks is { } copied ? cache.Layer(layer).index_select(0, copied) : cache.Layer(layer).narrow(0, 0, units);
        var (keys, values) = (stored.view(pairs, 2, block, headDim).select(1, 0), stored.view(pairs, 2, block, headDim).select(1, 1)); // [units·kvHeads, block, headDim]
        var scores = part.Mask.add(queries.bmm(keys.transpose(1, 2)).view(units, heads, block), scale).view(blocks, lanes, heads, block);
        var weights = scores.sub_(scores.amax([0, 3], keepdim: true)).exp_(); // float32 [blocks, lanes, heads, block]
        var sums = Total(weights.sum(-1)); // [lanes, heads]
        var outputs = weights.to(query.dtype).view(pairs, heads / cache.HeadCount, block).bmm(values); // [units·kvHeads, heads ÷ kvHeads, headDim]
        var attended = Total(outputs.to(ScalarType.Float32).view(blocks, lanes, heads, headDim)).div_(sums.unsqueeze(-1)); // [lanes, heads, headDim]
        return part.Lanes is { } own ? attended.index_select(0, own) : attended;
    }

    /// <summary>
    /// Adds the blocks' parts from the first to the last. A running sum along an outer dimension has no other order, and zeros at its end change nothing; the
    /// library's own sums take an order that depends on how many there are.
    /// </summary>
    /// <param name="parts">[blocks, …]</param>
    /// <returns>[…]</returns>
    private static Tensor Total(Tensor parts) => parts.size(0) == 1 ? parts.squeeze(0) : parts.cumsum(0).select(0, -1);
}
