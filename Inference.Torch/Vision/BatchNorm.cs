using Emu3.Inference.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>BatchNorm with the running statistics of the checkpoint: one factor and one summand a channel, folded at load.</summary>
internal sealed class BatchNorm
{
    private static readonly Scalar Epsilon = 1e-5;

    private BatchNorm(Tensor factor, Tensor summand) => (Factor, Summand) = (factor, summand);

    public Tensor Factor { get; } // [channels, 1, 1]

    public Tensor Summand { get; } // [channels, 1, 1]

    public static BatchNorm Load(VisionWeights weights, string name, long channels)
    {
        using var scope = NewDisposeScope();
        var (weight, bias) = (weights.Load($"{name}.weight", channels), weights.Load($"{name}.bias", channels));
        var (mean, variance) = (weights.Load($"{name}.running_mean", channels), weights.Load($"{name}.running_var", channels));
        var factor = weight / variance.add(Epsilon, Numbers.One).sqrt();
        return new(weights.Keep(factor.view(channels, 1, 1)), weights.Keep((bias - mean * factor).view(channels, 1, 1)));
    }

    public Tensor Forward(Tensor x) // [batch, channels, frames, height, width] or [batch, channels, height, width]
    {
        if (x.dim() == 4)
            return Summand.addcmul(x, Factor, Numbers.One);
        using var factor = Factor.unsqueeze(1);
        using var summand = Summand.unsqueeze(1);
        return summand.addcmul(x, factor, Numbers.One);
    }
}
