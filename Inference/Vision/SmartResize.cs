namespace Emu3.Inference.Vision;

/// <summary>
/// The size that a picture gets before it is encoded: a multiple of the spatial factor, its area within the checkpoint's limits.
/// Reference: <c>smart_resize</c> of baaivision/Emu3 and of transformers' Emu3ImageProcessor, which treat extreme shapes differently.
/// </summary>
public static class SmartResize
{
    private const double MaxAspectRatio = 200, MaxAspectRatioOriginal = 5;

    /// <summary>Size after resizing, in doubles and half to even, as the references do.</summary>
    /// <param name="height">Pixels, at least 1.</param>
    /// <param name="width">Pixels, at least 1.</param>
    /// <param name="factor">Pixels to a side of one latent cell.</param>
    /// <param name="minPixels">Smaller pictures are enlarged.</param>
    /// <param name="maxPixels">Larger ones are reduced.</param>
    /// <param name="originalLayout">The original's rules instead of transformers'.</param>
    /// <exception cref="PictureException">Too long and narrow, or (original) a side under the factor.</exception>
    public static (int Height, int Width) Fit(int height, int width, int factor, long minPixels, long maxPixels, bool originalLayout)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        if (originalLayout && (height < factor || width < factor))
            throw new PictureException($"the picture is {width}×{height} pixels; this checkpoint takes sides of {factor} pixels and more");
        var maxRatio = originalLayout ? MaxAspectRatioOriginal : MaxAspectRatio;
        if ((double)Math.Max(height, width) / Math.Min(height, width) > maxRatio)
            throw new PictureException($"the picture is {width}×{height} pixels; the longer side may be at most {maxRatio} times the shorter");

        var fitted = (Height: Rounded(height), Width: Rounded(width));
        var area = (double)height * width;
        if (fitted.Height * fitted.Width > maxPixels)
        {
            var shrink = Math.Sqrt(area / maxPixels);
            fitted = (Floored(height / shrink), Floored(width / shrink));
        }
        else if (fitted.Height * fitted.Width < minPixels)
        {
            var grow = Math.Sqrt(minPixels / area);
            fitted = (Ceiled(height * grow), Ceiled(width * grow));
        }
        if (fitted.Height < factor || fitted.Width < factor)
            throw new PictureException(
                $"the picture is {width}×{height} pixels and would become {fitted.Width}×{fitted.Height}; a side must keep {factor} pixels");
        return (checked((int)fitted.Height), checked((int)fitted.Width));

        long Rounded(int side) => (long)Math.Round((double)side / factor, MidpointRounding.ToEven) * factor;
        long Floored(double side) => Math.Max((long)Math.Floor(side / factor) * factor, originalLayout ? 0 : factor);
        long Ceiled(double side) => (long)Math.Ceiling(side / factor) * factor;
    }
}
