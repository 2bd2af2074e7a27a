using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>
/// Causal attention with grouped key-value heads (reference: eager attention of LlamaAttention), written out so that a row's bits depend
/// on its own prefix alone: every row multiplies matrices of the same shape whatever runs beside it, keys come in blocks of exactly
/// <see cref="KvCache.BlockSize"/> positions counted from 0, and the blocks' partial softmaxes are merged from left to right.
/// A block that a row does not see changes none of its bits.
/// </summary>
internal static class Attention
{
    /// <param name="query">[rows, heads, headDim], turned and scaled</param>
    /// <param name="cache">Holds the keys and values of all positions up to the rows' own.</param>
    /// <param name="layer">Which.</param>
    /// <param name="group">The rows.</param>
    /// <returns>[rows, heads, headDim]</returns>
    public static Tensor Apply(Tensor query, KvCache cache, int layer, RowBatch.Group group)
    {
        var shape = query.shape; // [rows, heads, headDim]
        var (pairs, size) = (shape[0] * cache.HeadCount, shape[1] / cache.HeadCount);
        var grouped = query.view(pairs, size, shape[2]); // [rows·kvHeads, heads ÷ kvHeads, headDim]
        Partial? merged = null;
        for (var block = 0; block < group.Masks.Count; block++)
        {
            var key = Block(cache.Keys(layer), cache, group, block); // [rows·kvHeads, block, headDim]
            var value = Block(cache.Values(layer), cache, group, block);
            var scores = grouped.bmm(key.transpose(1, 2)).to(ScalarType.Float32).view(shape[0], shape[1], cache.BlockSize).add_(group.Masks[block]);
            var maximum = scores.amax([-1], keepdim: true); // [rows, heads, 1]
            scores.sub_(maximum).exp_();
            var output = scores.to(query.dtype).view(pairs, size, cache.BlockSize).bmm(value).to(ScalarType.Float32).view(shape);
            var partial = new Partial(maximum, scores.sum(-1, keepdim: true), output);
            merged = merged?.Merge(partial) ?? partial;
        }
        return merged!.Output.div_(merged.Sum).to(query.dtype);
    }

    private static Tensor Block(Tensor heads, KvCache cache, RowBatch.Group group, int block)
    {
        var keys = heads.narrow(1, block * cache.BlockSize, cache.BlockSize);
        return group.Heads is { } copied
            ? keys.index_select(0, copied)
            : keys.narrow(0, (long)group.Rows.FirstSlot * cache.HeadCount, (long)group.Rows.Count * cache.HeadCount);
    }

    /// <summary>A softmax over some of the keys.</summary>
    /// <param name="Maximum">Largest score; [rows, heads, 1]</param>
    /// <param name="Sum">Of the weights; [rows, heads, 1]</param>
    /// <param name="Output">Sum of weighted values; [rows, heads, headDim]</param>
    private sealed record Partial(Tensor Maximum, Tensor Sum, Tensor Output)
    {
        public Partial Merge(Partial next)
        {
            var maximum = Maximum.maximum(next.Maximum);
            var (weight, nextWeight) = (Maximum.sub(maximum).exp_(), next.Maximum.sub(maximum).exp_());
            return new Partial(
                maximum,
                Sum.mul(weight).add_(next.Sum.mul(nextWeight)),
                Output.mul(weight).add_(next.Output.mul(nextWeight)));
        }
    }
}
