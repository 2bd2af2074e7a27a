using Emu3.Inference.Model;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Inference.Vision;

/// <summary>
/// A norm whose scale and shift come from the latent picture, cell by cell (MoVQ, arXiv 2209.09002, §3.2):
/// GroupNorm(x) · conv_y(q) + conv_b(q), with q resized to x by nearest neighbour.
/// </summary>
internal sealed class SpatialNorm
{
    private readonly GroupNorm norm;
    private readonly Convolution2d scale, shift;
    private readonly Tensor cellWeight, cellBias; // [2 · channels, latentChannels], [2 · channels]
    private readonly long channels;

    private SpatialNorm(VisionWeights weights, GroupNorm norm, Convolution2d scale, Convolution2d shift, long channels, long latentChannels)
    {
        (this.norm, this.scale, this.shift, this.channels) = (norm, scale, shift, channels);

        // A 1×1 convolution and a nearest-neighbour resize commute, and GroupNorm's own weight γ and bias β go into the two convolutions:
        // (n·γ + β)·(Y·q + y) + B·q + b = n·(γY·q + γy) + (βY + B)·q + (βy + b).
        using var scope = NewDisposeScope();
        var (y, b) = (scale.Kernel.reshape(channels, latentChannels), shift.Kernel.reshape(channels, latentChannels));
        var (gamma, beta) = (norm.Weight.unsqueeze(1), norm.Bias.unsqueeze(1));
        cellWeight = weights.Keep(cat([gamma * y, (beta * y).add(b, Numbers.One)]));
        cellBias = weights.Keep(cat([norm.Weight * scale.Bias, (norm.Bias * scale.Bias).add(shift.Bias, Numbers.One)]));
    }

    public static SpatialNorm Load(VisionWeights weights, string name, long channels, long latentChannels) => new(
        weights,
        GroupNorm.Load(weights, $"{name}.norm_layer", channels),
        Convolution2d.Load(weights, $"{name}.conv_y", latentChannels, channels, size: 1),
        Convolution2d.Load(weights, $"{name}.conv_b", latentChannels, channels, size: 1), channels, latentChannels);

    /// <summary>As the reference computes it: the latent picture is resized first.</summary>
    public Tensor Forward(Tensor x, Tensor latent) // [frames, channels, H, W], [frames, latentChannels, h, w]
    {
        using var scope = NewDisposeScope();
        var resized = F.interpolate(latent, size: [x.size(2), x.size(3)], mode: InterpolationMode.Nearest);
        return norm.Forward(x).mul_(scale.Forward(resized)).add_(shift.Forward(resized), Numbers.One).MoveToOuterDisposeScope();
    }

    /// <summary>The same for one frame with its channels innermost; scale and shift are computed for each latent cell once, not for each pixel.</summary>
    public Tensor ForwardByCell(Tensor x, Tensor cells) // [1, channels, H, W], [h, w, latentChannels]
    {
        using var scope = NewDisposeScope();
        var (h, w) = (cells.size(0), cells.size(1));
        var (height, width) = (x.size(2), x.size(3));
        var conditioning = Conditioning(cells).view(h, 1, w, 1, 2 * channels);
        var normed = F.group_norm(x, GroupNorm.GroupCount, eps: GroupNorm.Epsilon);
        var blocks = normed.permute(0, 2, 3, 1).view(h, height / h, w, width / w, channels);
        var result = conditioning.narrow(4, channels, channels).addcmul(blocks, conditioning.narrow(4, 0, channels), Numbers.One);
        return result.view(1, height, width, channels).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Scale and shift of each cell for the plain GroupNorm of x, without weight and bias.</summary>
    public Tensor Conditioning(Tensor cells) => F.linear(cells, cellWeight, cellBias); // [h, w, latentChannels] → [h, w, 2 · channels]
}
