using System.Runtime.InteropServices;
using Emu3.Inference.Model;
using TorchSharp;
using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>Pictures as the model sees them, and back. Reference: Emu3ImageProcessor of transformers, Emu3VisionVQImageProcessor of baaivision/Emu3.</summary>
internal static class Pixels
{
    private static readonly Scalar ByteMaximum = 255f;

    /// <summary>Resized by <see cref="PictureFitting"/>, then as <see cref="FromFitted"/>.</summary>
    /// <param name="picture">Of any size.</param>
    /// <param name="config">Limits, mean and deviation.</param>
    /// <param name="spatialFactor">Pixels to a side of one latent cell.</param>
    /// <exception cref="PictureException">The shape is refused by <see cref="SmartResize"/>.</exception>
    public static Tensor FromPicture(Picture picture, PixelConfig config, int spatialFactor) => FromFitted(PictureFitting.Fit(picture, config, spatialFactor), config); // → [3, H, W]

    /// <summary>÷ 255 and normalised by the checkpoint's mean and deviation.</summary>
    public static Tensor FromFitted(Picture fitted, PixelConfig config) // → [3, H, W]
    {
        using var scope = NewDisposeScope();
        var bytes = tensor(fitted.Rgb, [fitted.Height, fitted.Width, 3], ScalarType.Byte).permute(2, 0, 1);
        var values = bytes.to(ScalarType.Float32).contiguous().div_(ByteMaximum);
        return values.sub_(Channels(config.Mean)).div_(Channels(config.Deviation)).MoveToOuterDisposeScope();
    }

    /// <summary>x · deviation + mean, × 255, clipped to 0..255, truncated.</summary>
    public static Picture ToPicture(Tensor values, PixelConfig config) // [3, H, W], any device
    {
        using var scope = NewDisposeScope();
        using var rows = values.permute(1, 2, 0).contiguous().cpu(); // [H, W, 3]
        var source = MemoryMarshal.Cast<byte, float>(rows.bytes);
        var rgb = new byte[source.Length];
        var (deviation, mean) = (config.Deviation.ToArray(), config.Mean.ToArray());
        for (var at = 0; at < rgb.Length; at += 3)
        {
            for (var channel = 0; channel < 3; channel++)
                rgb[at + channel] = (byte)Math.Clamp((source[at + channel] * deviation[channel] + mean[channel]) * 255f, 0f, 255f);
        }
        return new Picture((int)values.size(2), (int)values.size(1), rgb);
    }

    private static Tensor Channels(IReadOnlyList<float> values) => tensor(values.ToArray(), [values.Count, 1, 1]);
}
