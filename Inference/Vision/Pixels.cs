using Emu3.Inference.Model;
using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>Pictures as the model sees them, and back. Reference: Emu3ImageProcessor of transformers, Emu3VisionVQImageProcessor of baaivision/Emu3.</summary>
internal static class Pixels
{
    /// <summary>Resized by <see cref="BicubicResize"/>, then ÷ 255 and normalised by the checkpoint's mean and deviation.</summary>
    /// <param name="picture">Of any size.</param>
    /// <param name="config">Limits, mean and deviation.</param>
    /// <param name="spatialFactor">Pixels to a side of one latent cell.</param>
    /// <exception cref="PictureException">The shape is refused by <see cref="SmartResize"/>.</exception>
    public static Tensor FromPicture(Picture picture, PixelConfig config, int spatialFactor) // → [3, H, W]
    {
        var (height, width) = SmartResize.Fit(
            picture.Height, picture.Width, spatialFactor, config.MinPixels, config.MaxPixels, config.OriginalLayout);
        using var scope = NewDisposeScope();
        var resized = BicubicResize.Resize(picture, height, width);
        var bytes = tensor(resized.Rgb, [height, width, 3], ScalarType.Byte).permute(2, 0, 1);
        var values = bytes.to(ScalarType.Float32).contiguous().div_(255f);
        return values.sub_(Channels(config.Mean)).div_(Channels(config.Deviation)).MoveToOuterDisposeScope();
    }

    /// <summary>x · deviation + mean, × 255, clipped to 0..255, truncated.</summary>
    public static Picture ToPicture(Tensor values, PixelConfig config) // [3, H, W], any device
    {
        using var scope = NewDisposeScope();
        var (factor, summand) = (Channels(config.Deviation).to(values.device), Channels(config.Mean).to(values.device));
        var bytes = values.mul(factor).add_(summand).mul_(255f).clamp_(0, 255).to(ScalarType.Byte);
        var rows = bytes.permute(1, 2, 0).contiguous().cpu(); // [H, W, 3]
        return new Picture((int)values.size(2), (int)values.size(1), rows.data<byte>().ToArray());
    }

    private static Tensor Channels(IReadOnlyList<float> values) => tensor(values.ToArray(), [values.Count, 1, 1]);
}
