using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Inference.Vision;

/// <summary>
/// A convolution over time and space that sees no later frame: two frames of zeros stand before the first, none behind the last.
/// Reference: <c>Emu3VQVAEConv3d</c> of transformers' modeling_emu3.
/// </summary>
internal sealed class CausalConv3d
{
    private const int FramesBefore = 2;

    private readonly long[] strides, padding;

    private CausalConv3d(Tensor kernel, Tensor bias, long temporalStride)
    {
        (Kernel, Bias) = (kernel, bias);
        strides = [temporalStride, 1, 1];
        // Stride 1 in space: the pad is (size − 1) / 2 on each side, since sizes are odd.
        padding = [kernel.size(4) / 2, kernel.size(4) / 2, kernel.size(3) / 2, kernel.size(3) / 2, FramesBefore, 0];
    }

    public Tensor Kernel { get; } // [out, in, frames, size, size]

    public Tensor Bias { get; } // [out]

    /// <param name="weights">Where from.</param>
    /// <param name="name">Without <c>.conv.weight</c> and <c>.conv.bias</c>.</param>
    /// <param name="channels">Of input and result.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="frames">Length of the kernel in time.</param>
    /// <param name="size">Side of the kernel in space, odd.</param>
    /// <param name="temporalStride">2 halves the frames.</param>
    public static CausalConv3d Load(VisionWeights weights, string name, long channels, long outChannels, long frames, long size, long temporalStride = 1) => new(
        weights.Load($"{name}.conv.weight", outChannels, channels, frames, size, size), weights.Load($"{name}.conv.bias", outChannels), temporalStride);

    public Tensor Forward(Tensor x) // [batch, in, frames, height, width] → [batch, out, frames / stride, height, width]
    {
        using var padded = F.pad(x, padding);
        return F.conv3d(padded, Kernel, Bias, strides: strides);
    }
}
