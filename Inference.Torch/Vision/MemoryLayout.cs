using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>The two ways in which [batch, channels, height, width] lies in memory.</summary>
internal static class MemoryLayout
{
    /// <summary>The same values with the channels innermost; a fresh tensor.</summary>
    public static Tensor InChannelsLast(this Tensor x)
    {
        using var permuted = x.permute(0, 2, 3, 1); // [batch, height, width, channels]
        using var contiguous = permuted.is_contiguous() ? permuted.clone() : permuted.contiguous();
        return contiguous.permute(0, 3, 1, 2);
    }
}
