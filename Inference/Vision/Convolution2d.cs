using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Inference.Vision;

/// <summary>A two-dimensional convolution; the result has the input's memory layout, or channels innermost if the kernel has them so.</summary>
internal sealed class Convolution2d
{
    private readonly long[] strides, padding;

    public Convolution2d(Tensor kernel, Tensor bias, long stride, long padding)
    {
        (Kernel, Bias) = (kernel, bias);
        strides = [stride, stride];
        this.padding = [padding, padding];
    }

    public Tensor Kernel { get; } // [out, in, size, size]

    public Tensor Bias { get; } // [out]

    /// <param name="weights">Where from.</param>
    /// <param name="name">Without <c>.weight</c> and <c>.bias</c>.</param>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="size">Side of the kernel.</param>
    /// <param name="stride">1 pads so that the picture keeps its size; with 2 the caller pads.</param>
    public static Convolution2d Load(VisionWeights weights, string name, long inChannels, long outChannels, long size, long stride = 1) => new(
        weights.LoadKernel($"{name}.weight", outChannels, inChannels, size), weights.Load($"{name}.bias", outChannels), stride, stride == 1 ? size / 2 : 0);

    public Tensor Forward(Tensor x) => // [batch, in, height, width] → [batch, out, height, width]
        F.conv2d(x, Kernel, Bias, strides: strides, padding: padding);
}
