using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Jobs;

/// <summary>How large files will be, roughly, before they exist.</summary>
internal static class FileEstimate
{
    /// <summary>Bytes a pixel of photographs as our encoders write them: PNG 1.6 of its 3, JPEG and WebP by quality, lossless WebP 1.1.</summary>
    public static long BytesOf(ItemSpec spec, int spatialFactor)
    {
        if (spec.Image is not { } image) return 4L * spec.Chat!.MaxNewTokens;
        var pixels = (double)image.LatentHeight * image.LatentWidth * spatialFactor * spatialFactor;
        return (long)(pixels * image.Format switch
        {
            PictureFormat.Png => 1.6,
            PictureFormat.Webp when image.Quality == 100 => 1.1,
            PictureFormat.Webp => image.Quality / 250.0,
            _ => image.Quality / 180.0,
        });
    }
}
