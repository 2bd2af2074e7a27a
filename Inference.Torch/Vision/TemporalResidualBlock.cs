using Emu3.Inference.Model;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Inference.Vision;

/// <summary>BatchNorm, swish, causal 3×3×3 convolution, twice, plus the input.</summary>
internal sealed record TemporalResidualBlock(BatchNorm Norm1, CausalConv3d Conv1, BatchNorm Norm2, CausalConv3d Conv2)
{
    public static TemporalResidualBlock Load(VisionWeights weights, string name, long channels) => new(
        BatchNorm.Load(weights, $"{name}.norm1", channels), CausalConv3d.Load(weights, $"{name}.conv1", channels, channels, frames: 3, size: 3),
        BatchNorm.Load(weights, $"{name}.norm2", channels), CausalConv3d.Load(weights, $"{name}.conv2", channels, channels, frames: 3, size: 3));

    public Tensor Forward(Tensor x) // [batch, channels, frames, height, width] → the same shape
    {
        using var scope = NewDisposeScope();
        var middle = Conv1.Forward(F.silu(Norm1.Forward(x), inplace: true));
        return Conv2.Forward(F.silu(Norm2.Forward(middle), inplace: true)).add_(x, Numbers.One).MoveToOuterDisposeScope();
    }
}
