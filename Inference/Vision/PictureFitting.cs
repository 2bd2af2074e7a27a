using Emu3.Inference.Model;

namespace Emu3.Inference.Vision;

/// <summary>Brings a picture to the size that it is encoded in. Pure, and for any thread: whoever brings a picture does it before the engine's thread has it.</summary>
internal static class PictureFitting
{
    /// <summary>Resized by <see cref="BicubicResize"/> to the size that <see cref="SmartResize"/> gives.</summary>
    /// <param name="picture">Of any size.</param>
    /// <param name="config">Limits.</param>
    /// <param name="spatialFactor">Pixels to a side of one latent cell.</param>
    /// <exception cref="PictureException">The shape is refused by <see cref="SmartResize"/>.</exception>
    public static Picture Fit(Picture picture, PixelConfig config, int spatialFactor)
    {
        var (height, width) = SmartResize.Fit(picture.Height, picture.Width, spatialFactor, config.MinPixels, config.MaxPixels, config.OriginalLayout);
        return BicubicResize.Resize(picture, height, width);
    }
}
