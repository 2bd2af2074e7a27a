using System.Globalization;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>A picture's size in latent cells; one cell is one visual token.</summary>
public readonly record struct LatentSize(int Height, int Width)
{
    /// <summary>BOS, BOI, at least one token of the size's text, and IMG.</summary>
    private const int MinHeader = 4;

    /// <summary>
    /// The size of a picture of this ratio and about this area in pixels, with so many pixels to a side of a cell: t = √(area ÷ (rw·rh)), each side r·t ÷ factor, in doubles, half to even, at least 1
    /// (as <c>Emu3Processor.calculate_generate_size</c> of the reference).
    /// </summary>
    public static LatentSize Of(AspectRatio ratio, int area, int spatialFactor)
    {
        var scale = Math.Sqrt(area / ((double)ratio.Width * ratio.Height));
        return new(Side(ratio.Height), Side(ratio.Width));

        int Side(int part) => Math.Max(1, (int)Math.Round(part * scale / spatialFactor, MidpointRounding.ToEven));
    }

    /// <summary>
    /// The size for a request in pixels. A size that is made of whole cells and within a tenth of the model's own area is taken as it is;
    /// a model draws no other area well, so any other keeps its ratio and takes the model's area.
    /// </summary>
    public static LatentSize OfPixels(AspectRatio size, int modelArea, int spatialFactor)
    {
        var area = (long)size.Width * size.Height;
        var isWhole = size.Width % spatialFactor == 0 && size.Height % spatialFactor == 0;
        return isWhole && Math.Abs(area - modelArea) * 10 <= modelArea
            ? new(size.Height / spatialFactor, size.Width / spatialFactor)
            : Of(size, modelArea, spatialFactor);
    }

    /// <summary>Tokens from the first visual one to EOS: rows with their EOL, then EOF, EOI, EOS.</summary>
    public long GeneratedTokens => ((long)Width + 1) * Height + 3;

    /// <summary>Positions of the whole sequence with the shortest prompt there can be.</summary>
    public long MinPositions => GeneratedTokens + MinHeader;

    /// <summary>As the API writes sizes: width first.</summary>
    public string InPixels(int spatialFactor) => string.Create(CultureInfo.InvariantCulture, $"{Width * spatialFactor}x{Height * spatialFactor}");
}
