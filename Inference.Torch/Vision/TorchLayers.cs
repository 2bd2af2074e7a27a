using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>The encoder's layers.</summary>
internal sealed class EncoderLayers : INormedLayers<GroupNorm>
{
    public Tensor Norm(GroupNorm norm, Tensor x) => norm.Forward(x);

    public Tensor NormedConvolution(GroupNorm norm, Convolution2d conv, Tensor x, Tensor? summand) => conv.ForwardSwish(norm.Forward(x), summand);
}

/// <summary>The decoder's layers as the reference computes them: the latent picture is resized to each norm's input.</summary>
/// <param name="latent">[frames, latentChannels, h, w]</param>
internal sealed class ReferenceDecoderLayers(Tensor latent) : IDecoderLayers
{
    public Tensor Norm(SpatialNorm norm, Tensor x) => norm.Forward(x, latent);

    public Tensor NormedConvolution(SpatialNorm norm, Convolution2d conv, Tensor x, Tensor? summand) => conv.ForwardSwish(norm.Forward(x, latent), summand);

    public Tensor Double(Upsample upsample, Tensor x) => upsample.Forward(x);
}

/// <summary>The layers of one frame, on any device: norms are conditioned by cell, pictures doubled by phase.</summary>
/// <param name="cells">[h, w, latentChannels]</param>
internal sealed class StillDecoderLayers(Tensor cells) : IDecoderLayers
{
    public Tensor Norm(SpatialNorm norm, Tensor x) => norm.ForwardByCell(x, cells);

    public Tensor NormedConvolution(SpatialNorm norm, Convolution2d conv, Tensor x, Tensor? summand) => conv.ForwardSwish(norm.ForwardByCell(x, cells), summand);

    public Tensor Double(Upsample upsample, Tensor x) => upsample.ForwardByPhase(x);
}
