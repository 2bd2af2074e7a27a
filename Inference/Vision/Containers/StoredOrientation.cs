namespace Emu3.Inference.Vision.Containers;

/// <summary>
/// How a picture file says that its pixels are to be turned: one number from 1 (as stored) to 8, as EXIF counts them, for every format. Decides as Pillow's
/// <c>ImageOps.exif_transpose</c>: what EXIF says, else what XMP says. GIF and BMP have neither.
/// </summary>
static class StoredOrientation
{
    public const int AsStored = 1;

    private const byte App1 = 0xE1;

    private static ReadOnlySpan<byte> ExifName => "Exif\0\0"u8;

    private static ReadOnlySpan<byte> XmpName => "http://ns.adobe.com/xap/1.0/\0"u8;

    /// <summary>Whether width and height change places.</summary>
    public static bool IsTransposed(int orientation) => orientation >= 5;

    public static int Of(ReadOnlySpan<byte> file, SourceFormat format) => format switch
    {
        SourceFormat.Png => OfPng(file),
        SourceFormat.Jpeg => OfJpeg(file),
        SourceFormat.Webp => OfWebp(file),
        _ => AsStored,
    };

    private static int Choose(ReadOnlySpan<byte> exif, ReadOnlySpan<byte> xmp) =>
        (ExifOrientation.Read(exif) ?? XmpOrientation.Read(xmp)) is { } said and >= 1 and <= 8 ? said : AsStored;

    private static int OfPng(ReadOnlySpan<byte> file)
    {
        var metadata = PngMetadata.Read(file);
        return Choose(metadata.Exif, metadata.Xmp);
    }

    /// <summary>EXIF may go over several segments; of several XMP packets the last one counts.</summary>
    private static int OfJpeg(ReadOnlySpan<byte> file)
    {
        List<byte> exif = [];
        ReadOnlySpan<byte> xmp = [];
        var segments = new JpegSegments(file);
        while (segments.MoveNext())
        {
            if (segments.Marker != App1)
                continue;
            if (segments.Content.StartsWith(ExifName))
                exif.AddRange(segments.Content[ExifName.Length..]);
            else if (segments.Content.StartsWith(XmpName))
                xmp = segments.Content[XmpName.Length..];
        }
        return Choose(exif.ToArray(), xmp);
    }

    /// <summary>As libwebp: only what the flags of the first chunk announce. Some writers put JPEG's prefix before the EXIF data.</summary>
    private static int OfWebp(ReadOnlySpan<byte> file)
    {
        const byte exifFlag = 0x08, xmpFlag = 0x04;
        var first = new WebpChunks(file);
        if (!first.MoveNext() || !first.Type.SequenceEqual("VP8X"u8) || first.Content.IsEmpty)
            return AsStored;
        var flags = first.Content[0];
        ReadOnlySpan<byte> exif = [], xmp = [];
        if ((flags & exifFlag) != 0)
            WebpChunks.TryFind(file, "EXIF"u8, out exif);
        if ((flags & xmpFlag) != 0)
            WebpChunks.TryFind(file, "XMP "u8, out xmp);
        return Choose(exif, xmp);
    }
}
