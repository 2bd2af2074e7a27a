using System.Buffers;
using System.IO.Compression;
using System.Text;

namespace Emu3.Inference.Vision.Containers;

/// <summary>
/// What a PNG file holds of EXIF and XMP, before its pixels or behind them: the chunk <c>eXIf</c>, and texts (<c>tEXt</c>, <c>zTXt</c>, <c>iTXt</c>) with the
/// keywords <c>Raw profile type exif</c> (EXIF in hexadecimal, as ImageMagick and exiftool wrote it before <c>eXIf</c> existed) and <c>XML:com.adobe.xmp</c>. Of two the later one counts.
/// </summary>
/// <param name="Exif">Null without one.</param>
/// <param name="Xmp">Null without one.</param>
sealed record PngMetadata(byte[]? Exif, byte[]? Xmp)
{
    // Pillow's limit for a text that is compressed; an EXIF block or a packet has kilobytes.
    private const int LongestText = 1 << 20;

    public static PngMetadata Read(ReadOnlySpan<byte> file)
    {
        byte[]? exif = null, profile = null, xmp = null;
        foreach (var chunk in new PngChunks(file))
        {
            if (!chunk.IsWhole)
                break;
            if (chunk.Is("eXIf"u8))
                exif = chunk.Content.ToArray();
            else if (IsText(chunk) && chunk.Content.StartsWith("Raw profile type exif\0"u8))
                profile = FromHex(Text(chunk)) ?? profile;
            else if (IsText(chunk) && chunk.Content.StartsWith("XML:com.adobe.xmp\0"u8))
                xmp = Text(chunk);
        }
        return new(exif ?? profile, xmp);
    }

    private static bool IsText(PngChunks.Chunk chunk) => chunk.Is("tEXt"u8) || chunk.Is("zTXt"u8) || chunk.Is("iTXt"u8);

    /// <summary>What stands behind the keyword; nothing when that is damaged.</summary>
    private static byte[] Text(PngChunks.Chunk chunk)
    {
        var value = chunk.Content[(chunk.Content.IndexOf((byte)0) + 1)..];
        if (chunk.Is("tEXt"u8))
            return value.ToArray();
        if (chunk.Is("zTXt"u8))
            return value is [0, ..] ? Inflated(value[1..]) : [];
        if (value is not [var isCompressed, 0, ..])
            return [];
        value = value[2..];
        for (var skipped = 0; skipped < 2; skipped++) // language, translated keyword
        {
            var end = value.IndexOf((byte)0);
            if (end < 0)
                return [];
            value = value[(end + 1)..];
        }
        return isCompressed == 0 ? value.ToArray() : Inflated(value);
    }

    private static byte[] Inflated(ReadOnlySpan<byte> zlib)
    {
        using var stream = new ZLibStream(new MemoryStream(zlib.ToArray()), CompressionMode.Decompress);
        var text = new byte[LongestText];
        try
        {
            return text[..stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false)];
        }
        catch (InvalidDataException)
        {
            return []; // damaged: as if it were not there
        }
    }

    /// <summary>Three lines come first: an empty one, the profile's name, its length.</summary>
    private static byte[]? FromHex(ReadOnlySpan<byte> text)
    {
        for (var line = 0; line < 3; line++)
        {
            var end = text.IndexOf((byte)'\n');
            if (end < 0)
                return null;
            text = text[(end + 1)..];
        }
        var digits = Encoding.Latin1.GetString(text).Where(character => !char.IsWhiteSpace(character)).ToArray();
        var bytes = new byte[digits.Length / 2];
        return Convert.FromHexString(digits, bytes, out _, out _) == OperationStatus.Done ? bytes : null;
    }
}
