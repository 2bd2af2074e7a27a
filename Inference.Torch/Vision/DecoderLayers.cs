using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>How the parts of residual blocks and attention are computed: the blocks say what follows what, this says by which means.</summary>
internal interface INormedLayers<in TNorm>
{
    /// <summary>A fresh tensor of the same shape.</summary>
    Tensor Norm(TNorm norm, Tensor x);

    /// <summary>conv(swish(norm(x))), plus a summand if there is one.</summary>
    Tensor NormedConvolution(TNorm norm, Convolution2d conv, Tensor x, Tensor? summand);
}

/// <summary>The same for the decoder, which also makes pictures larger.</summary>
internal interface IDecoderLayers : INormedLayers<SpatialNorm>
{
    /// <summary>Twice as high and wide.</summary>
    Tensor Double(Upsample upsample, Tensor x);
}
