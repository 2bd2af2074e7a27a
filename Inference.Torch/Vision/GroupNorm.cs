using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Inference.Vision;

/// <summary>GroupNorm with the vision tokenizer's constants (baaivision/Emu3, <c>modeling_emu3visionvq.py</c>).</summary>
internal sealed class GroupNorm
{
    public const int GroupCount = 32;
    public const double Epsilon = 1e-6;

    private GroupNorm(Tensor weight, Tensor bias) => (Weight, Bias) = (weight, bias);

    public Tensor Weight { get; } // [channels]

    public Tensor Bias { get; } // [channels]

    public static GroupNorm Load(VisionWeights weights, string name, long channels) =>
        new(weights.Load($"{name}.weight", channels), weights.Load($"{name}.bias", channels));

    public Tensor Forward(Tensor x) => // [batch, channels, height, width]
        F.group_norm(x, GroupCount, Weight, Bias, Epsilon);
}
