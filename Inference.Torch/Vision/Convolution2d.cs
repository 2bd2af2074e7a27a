using Emu3.Inference.Model;
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

    /// <summary>Null unless it was prepared.</summary>
    public Tensor? WinogradKernel { get; private set; } // [36, in, out]

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

    /// <summary>The convolution of x's swish, plus a summand if there is one.</summary>
    /// <param name="x">Is overwritten and disposed of: a norm's fresh result.</param>
    /// <param name="summand">Of the result's shape, or null.</param>
    public Tensor ForwardSwish(Tensor x, Tensor? summand)
    {
        using var activated = F.silu(x, inplace: true);
        var result = Forward(activated);
        return summand is null ? result : result.add_(summand, Numbers.One);
    }

    /// <summary>Transforms the kernel for <see cref="Winograd"/>; for 3×3 kernels whose channels it can take.</summary>
    public void PrepareWinograd(VisionWeights weights)
    {
        if (Kernel.size(2) == 3 && Kernel.size(0) % Winograd.ChannelStep == 0 && Kernel.size(1) % Winograd.ChannelStep == 0)
            WinogradKernel = weights.Keep(TransformKernel(Kernel));
    }

    /// <summary>G·kernel·Gᵀ, in doubles.</summary>
    internal static Tensor TransformKernel(Tensor kernel) // [out, in, 3, 3] → [36, in, out]
    {
        using var scope = NewDisposeScope();
        var transform = tensor(Winograd.KernelTransform, dtype: ScalarType.Float64); // [6, 3]
        var products = transform.matmul(kernel.cpu().to(ScalarType.Float64)).matmul(transform.t()); // [out, in, 6, 6]
        var ordered = products.permute(2, 3, 1, 0).reshape(Winograd.ProductCount, kernel.size(1), kernel.size(0));
        return ordered.to(ScalarType.Float32).contiguous().MoveToOuterDisposeScope();
    }
}
