namespace Emu3.Inference.Vision;

/// <summary>Turns a picture the way its orientation says (EXIF 2.3, tag 274).</summary>
static class PictureOrientation
{
    /// <param name="rgba">As stored, four bytes a pixel; the fourth is dropped.</param>
    /// <param name="width">Pixels as stored.</param>
    /// <param name="height">Pixels as stored.</param>
    /// <param name="orientation">1 to 8: where the first stored pixel belongs, as EXIF counts.</param>
    public static Picture Upright(ReadOnlySpan<byte> rgba, int width, int height, int orientation)
    {
        var (right, bottom) = (width - 1, height - 1);
        // Where stored pixel (x, y) comes from is linear in the upright (row, column): start + row · rowStep + column · columnStep.
        var (start, rowStep, columnStep) = orientation switch
        {
            2 => (right, width, -1),
            3 => (bottom * width + right, -width, -1),
            4 => (bottom * width, -width, 1),
            5 => (0, 1, width),
            6 => (bottom * width, 1, -width),
            7 => (bottom * width + right, -1, -width),
            8 => (right, -1, width),
            _ => (0, width, 1),
        };
        var (uprightWidth, uprightHeight) = Containers.StoredOrientation.IsTransposed(orientation) ? (height, width) : (width, height);
        var rgb = new byte[3 * width * height];
        var to = 0;
        for (var row = 0; row < uprightHeight; row++)
        {
            for (var column = 0; column < uprightWidth; column++, to += 3)
            {
                var from = 4 * (start + row * rowStep + column * columnStep);
                rgb[to] = rgba[from];
                rgb[to + 1] = rgba[from + 1];
                rgb[to + 2] = rgba[from + 2];
            }
        }
        return new Picture(uprightWidth, uprightHeight, rgb);
    }
}
