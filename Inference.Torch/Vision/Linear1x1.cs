using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Inference.Vision;

/// <summary>A 1×1 convolution of the original layout, a linear layer of the other: the same matrix.</summary>
internal sealed record Linear1x1(Tensor Weight, Tensor Bias)
{
    public static Linear1x1 Load(VisionWeights weights, string name, long channels) =>
        new(weights.Load($"{name}.weight", channels, channels), weights.Load($"{name}.bias", channels));

    public Tensor Forward(Tensor cells) => F.linear(cells, Weight, Bias); // [..., channels] → the same shape
}
