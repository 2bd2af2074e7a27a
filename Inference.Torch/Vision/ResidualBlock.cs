using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>Norm, swish, 3×3 convolution, twice, plus the input (through <c>nin_shortcut</c> where the channels change).</summary>
/// <param name="Norm1">Takes [batch, in, height, width], and in the decoder the latent picture.</param>
/// <param name="Conv1">in → out.</param>
/// <param name="Norm2">Like the first, of the result's channels.</param>
/// <param name="Conv2">out → out.</param>
/// <param name="Shortcut">1×1, or null where the channels stay.</param>
internal sealed record ResidualBlock<TNorm>(TNorm Norm1, Convolution2d Conv1, TNorm Norm2, Convolution2d Conv2, Convolution2d? Shortcut)
{
    /// <param name="weights">Where from.</param>
    /// <param name="name">Of the block.</param>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the result.</param>
    /// <param name="loadNorm">Name and channels → norm.</param>
    public static ResidualBlock<TNorm> Load(VisionWeights weights, string name, long inChannels, long outChannels, Func<string, long, TNorm> loadNorm) => new(
        loadNorm($"{name}.norm1", inChannels), Convolution2d.Load(weights, $"{name}.conv1", inChannels, outChannels, size: 3),
        loadNorm($"{name}.norm2", outChannels), Convolution2d.Load(weights, $"{name}.conv2", outChannels, outChannels, size: 3),
        inChannels == outChannels ? null : Convolution2d.Load(weights, $"{name}.nin_shortcut", inChannels, outChannels, size: 1));

    public Tensor Forward(Tensor x, INormedLayers<TNorm> layers) // [batch, in, height, width] → [batch, out, height, width]
    {
        using var scope = NewDisposeScope();
        using var middle = layers.NormedConvolution(Norm1, Conv1, x, summand: null);
        return layers.NormedConvolution(Norm2, Conv2, middle, Shortcut?.Forward(x) ?? x).MoveToOuterDisposeScope();
    }
}
