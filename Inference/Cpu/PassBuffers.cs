using Emu3.Inference.Model;

namespace Emu3.Inference.Cpu;

/// <summary>What a pass computes on its way, for the most rows that one can have.</summary>
internal sealed class PassBuffers(TransformerConfig config, int paddedHeadDim, int rows) : IDisposable
{
    /// <summary>The residual stream. [rows, hidden]</summary>
    public NativeFloats X { get; } = new((long)rows * config.HiddenSize);

    /// <summary>The same, normalised. [rows, hidden]</summary>
    public NativeFloats Normed { get; } = new((long)rows * config.HiddenSize);

    /// <summary>Queries, keys, values as they come from their layers. [rows, (heads + 2·kvHeads) · headDim]</summary>
    public NativeFloats Qkv { get; } = new((long)rows * (config.HeadCount + 2 * config.KeyValueHeadCount) * config.HeadDim);

    /// <summary>Queries, turned and scaled. [rows, heads, padded headDim]; what is behind a head's own numbers stays zero.</summary>
    public NativeFloats Query { get; } = new((long)rows * config.HeadCount * paddedHeadDim);

    /// <summary>[rows, heads · headDim]</summary>
    public NativeFloats Attended { get; } = new((long)rows * config.HeadCount * config.HeadDim);

    /// <summary>[rows, intermediate]</summary>
    public NativeFloats Gate { get; } = new((long)rows * config.IntermediateSize);

    /// <summary>[rows, intermediate]</summary>
    public NativeFloats Up { get; } = new((long)rows * config.IntermediateSize);

    /// <summary>Bytes of all of them.</summary>
    public static long Bytes(TransformerConfig config, int paddedHeadDim, int rows) => sizeof(float) * (long)rows * (
        2 * config.HiddenSize + (config.HeadCount + 2 * config.KeyValueHeadCount) * config.HeadDim + config.HeadCount * (paddedHeadDim + config.HeadDim)
        + 2 * config.IntermediateSize);

    public void Dispose()
    {
        foreach (var buffer in (NativeFloats[])[X, Normed, Qkv, Query, Attended, Gate, Up])
            buffer.Dispose();
    }
}
