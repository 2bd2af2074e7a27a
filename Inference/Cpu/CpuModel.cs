using Emu3.Inference.Batching;
using Emu3.Inference.Model;
using Emu3.Inference.Tokens;

namespace Emu3.Inference.Cpu;

/// <summary>
/// The decoder on kernels of our own (paper: arXiv 2409.18869 §3; reference: transformers models/emu3/modeling_emu3.py, Emu3TextModel.forward).
/// A row's bits depend on its token, its position and its own prefix alone, on every processor and with any number of threads.
/// </summary>
internal sealed unsafe class CpuModel : IDisposable
{
    /// <summary>Names the bits that come out. To be raised with any change that alters them: it is part of the numeric class.</summary>
    public const int Algorithm = 1;

    /// <summary>Rows of a pass at most; more are run in several. Bounds the buffers.</summary>
    public const int MaxRows = 128;

    private readonly TransformerConfig config;
    private readonly CpuTransformerWeights weights;
    private readonly CpuKvCache cache;
    private readonly CpuThreads threads;
    private readonly CpuAttention attention;
    private readonly PassBuffers buffers;
    private readonly RotaryTable rotary;
    private readonly WeightMatrix visualHead;
    private readonly float scale, epsilon;

    /// <param name="config">Sizes.</param>
    /// <param name="tokens">Where the visual rows of the head are.</param>
    /// <param name="weights">Must outlive the model.</param>
    /// <param name="cache">Keys and values of all slots; must outlive the model.</param>
    /// <param name="threads">That compute; must outlive the model.</param>
    public CpuModel(TransformerConfig config, SpecialTokens tokens, CpuTransformerWeights weights, CpuKvCache cache, CpuThreads threads)
    {
        (this.config, this.weights, this.cache, this.threads) = (config, weights, cache, threads);
        (scale, epsilon) = ((float)(1 / Math.Sqrt(config.HeadDim)), (float)config.RmsNormEpsilon);
        attention = new CpuAttention(config, cache, threads, MaxRows);
        buffers = new PassBuffers(config, cache.HeadDim, MaxRows);
        rotary = new RotaryTable(cache.PositionCount, config.HeadDim, config.RopeTheta);
        visualHead = weights.Head.Rows(tokens.FirstVisual, tokens.VisualCount);
    }

    /// <summary>Gets the hidden states of all rows; [rows, hidden]</summary>
    public delegate void Observer(ReadOnlySpan<float> hidden);

    /// <summary>Runs rows through all layers, storing their keys and values on the way.</summary>
    /// <param name="rows"><see cref="MaxRows"/> at most. All positions before each are in the cache or among the rows.</param>
    /// <param name="needed">Indices of the rows whose result is wanted, ascending: behind the last keys and values the others need not go on.</param>
    /// <param name="observe">For tests: gets the hidden states behind the embedding and each layer.</param>
    /// <returns>Of the needed rows, behind the final norm; [needed, hidden], valid until the next call</returns>
    public float* Forward(PlannedRow[] rows, int[] needed, Observer? observe = null)
    {
        Embed(rows);
        Observe(rows, observe);
        for (var layer = 0; layer < config.LayerCount; layer++)
        {
            var w = weights.Layers[layer];
            Normalise(w.InputNorm, rows.Length);
            Project(w, rows.Length);
            Turn(rows, layer);
            if (layer == config.LayerCount - 1)
                rows = Keep(rows, needed);
            if (rows.Length == 0)
                break;
            attention.Run(rows, layer, buffers.Query.Address, buffers.Attended.Address);
            threads.Multiply(w.Output.Times(buffers.Attended.Address, rows.Length, buffers.X.Address, config.HiddenSize, accumulates: true));
            Normalise(w.PostAttentionNorm, rows.Length);
            FeedForward(w, rows.Length);
            Observe(rows, observe);
        }
        Normalise(weights.Norm, rows.Length);
        return buffers.Normed.Address;
    }

    /// <summary>Logits of some rows of what <see cref="Forward"/> gave.</summary>
    /// <param name="rows">Indices among the needed ones, ascending.</param>
    /// <param name="visualOnly">Only the visual tokens', in codebook order; else the whole vocabulary's.</param>
    /// <param name="to">[rows, allowed tokens]</param>
    public void Logits(ReadOnlySpan<int> rows, bool visualOnly, Span<float> to)
    {
        float* hidden = buffers.Normed.Address, chosen = buffers.X.Address;
        var size = config.HiddenSize;
        for (var i = 0; i < rows.Length; i++)
            new Span<float>(hidden + (nint)rows[i] * size, size).CopyTo(new Span<float>(chosen + (nint)i * size, size));
        var head = visualOnly ? visualHead : weights.Head;
        ArgumentOutOfRangeException.ThrowIfNotEqual(to.Length, rows.Length * head.Outputs);
        fixed (float* logits = to)
            threads.Multiply(head.Times(chosen, rows.Length, logits, head.Outputs));
    }

    public void Dispose()
    {
        attention.Dispose();
        buffers.Dispose();
        rotary.Dispose();
    }

    private void Embed(PlannedRow[] rows)
    {
        for (var i = 0; i < rows.Length; i++)
            threads.Kernels.Widen(weights.Embedding.Type, weights.Embedding.Row(rows[i].Token), buffers.X.Address + (nint)i * config.HiddenSize, config.HiddenSize);
    }

    private void Normalise(NativeFloats weight, int count) => threads.For(count, config.HiddenSize, (from, to, _) =>
    {
        for (var at = (nint)from * config.HiddenSize; at < (nint)to * config.HiddenSize; at += config.HiddenSize)
            threads.Kernels.Normalise(buffers.X.Address + at, weight.Address, buffers.Normed.Address + at, config.HiddenSize, epsilon);
    });

    private void Project(CpuLayerWeights w, int count)
    {
        float* x = buffers.Normed.Address, qkv = buffers.Qkv.Address;
        var width = w.Query.Outputs + w.Key.Outputs + w.Value.Outputs;
        threads.Multiply(
            w.Query.Times(x, count, qkv, width),
            w.Key.Times(x, count, qkv + w.Query.Outputs, width),
            w.Value.Times(x, count, qkv + w.Query.Outputs + w.Key.Outputs, width));
    }

    /// <summary>Turns queries and keys by their positions; keys and values go into the cache.</summary>
    private void Turn(PlannedRow[] rows, int layer)
    {
        var (heads, keyHeads, headDim) = (config.HeadCount, config.KeyValueHeadCount, config.HeadDim);
        var width = (heads + 2 * keyHeads) * headDim;
        threads.For(rows.Length, width, (from, to, _) =>
        {
            for (var i = from; i < to; i++)
            {
                var (position, slot) = (rows[i].Position, rows[i].Slot);
                float* cosine = rotary.Cosine(position), sine = rotary.Sine(position);
                var head = buffers.Qkv.Address + (nint)i * width;
                var query = buffers.Query.Address + (nint)i * heads * cache.HeadDim;
                for (var h = 0; h < heads; h++, head += headDim)
                    threads.Kernels.Turn(head, cosine, sine, headDim / 2, scale, query + (nint)h * cache.HeadDim);
                for (var h = 0; h < keyHeads; h++, head += headDim)
                    threads.Kernels.Turn(head, cosine, sine, headDim / 2, 1, cache.Keys(layer, slot, h, position));
                for (var h = 0; h < keyHeads; h++, head += headDim)
                    new Span<float>(head, headDim).CopyTo(new Span<float>(cache.Values(layer, slot, h, position), headDim));
            }
        });
    }

    /// <summary>Moves the needed rows to the front.</summary>
    private PlannedRow[] Keep(PlannedRow[] rows, int[] needed)
    {
        if (needed.Length == rows.Length)
            return rows;
        for (var i = 0; i < needed.Length; i++)
        {
            Move(buffers.X, config.HiddenSize, needed[i], i);
            Move(buffers.Query, config.HeadCount * cache.HeadDim, needed[i], i);
        }
        return [.. needed.Select(i => rows[i])];

        static void Move(NativeFloats buffer, int width, int from, int to) =>
            new Span<float>(buffer.Address + (nint)from * width, width).CopyTo(new Span<float>(buffer.Address + (nint)to * width, width));
    }

    /// <summary>down(silu(gate(x)) · up(x))</summary>
    private void FeedForward(CpuLayerWeights w, int count)
    {
        const int block = 1024;
        float* gate = buffers.Gate.Address, up = buffers.Up.Address;
        var size = config.IntermediateSize;
        threads.Multiply(w.Gate.Times(buffers.Normed.Address, count, gate, size), w.Up.Times(buffers.Normed.Address, count, up, size));
        var numbers = count * size;
        threads.For((numbers + block - 1) / block, block * 2, (from, to, _) =>
            threads.Kernels.SiluTimes(gate + from * block, up + from * block, gate + from * block, Math.Min(to * block, numbers) - from * block));
        threads.Multiply(w.Down.Times(gate, count, buffers.X.Address, config.HiddenSize, accumulates: true));
    }

    private void Observe(PlannedRow[] rows, Observer? observe) => observe?.Invoke(new(buffers.X.Address, rows.Length * config.HiddenSize));
}
