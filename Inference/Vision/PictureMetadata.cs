using Emu3.Inference.Vision.Containers;

namespace Emu3.Inference.Vision;

/// <summary>
/// Text inside a picture file: a PNG text chunk with the keyword <c>emu3</c>, an XMP packet in JPEG and WebP. The pixels' bytes stay as they are.
/// </summary>
public static class PictureMetadata
{
    /// <summary>The file with the text in it.</summary>
    /// <param name="file">A file as an encoder writes it, without such text yet.</param>
    /// <param name="format">Its format.</param>
    /// <param name="text">Any Unicode text that XML can carry: of the control characters, only tab and line breaks.</param>
    /// <exception cref="ArgumentException">The text has a NUL or half a surrogate pair, a character that XML lacks, or is too long for a JPEG segment (65,504 bytes of XMP).</exception>
    public static byte[] Embed(ReadOnlySpan<byte> file, PictureFormat format, string text) => format switch
    {
        PictureFormat.Png => PngText.Embed(file, text),
        PictureFormat.Jpeg => JpegXmp.Embed(file, XmpPacket.Write(text)),
        PictureFormat.Webp => WebpXmp.Embed(file, XmpPacket.Write(text)),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
    };

    /// <summary>The text that <see cref="Embed"/> put into a file, or null when there is none.</summary>
    /// <exception cref="PictureException">Not a PNG, JPEG or WebP file, or the part with the text is damaged.</exception>
    public static string? Read(ReadOnlySpan<byte> file)
    {
        if (file.StartsWith(PngText.Signature))
            return PngText.Read(file);
        if (file.StartsWith(JpegXmp.StartOfImage))
            return XmpPacket.Read(JpegXmp.Find(file));
        if (WebpChunks.IsWebp(file))
            return XmpPacket.Read(WebpXmp.Find(file));
        throw new PictureException("the file is not a picture in PNG, JPEG or WebP");
    }
}
