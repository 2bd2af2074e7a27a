using System.Buffers.Binary;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// Format, width and height of a picture file, by its content and without decoding anything: a picture that is too large is refused before a decoder sees it. Whatever the
/// engine's decoder accepts, this accepts with the same size. Formats: PNG (ISO 15948) 11.2.2, JPEG (ITU T.81) B.2.2, WebP (RFC 9649) 2.4–2.7, GIF89a 18–20, BMP.
/// </summary>
/// <param name="Kind">The format.</param>
/// <param name="Width">Pixels as stored, before any orientation is applied.</param>
/// <param name="Height">Pixels as stored.</param>
public readonly record struct PictureHeader(PictureKind Kind, int Width, int Height)
{
    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n'];

    public long Pixels => (long)Width * Height;

    /// <summary>False when the file is of none of the formats, or ends before its size is told.</summary>
    public static bool TryRead(ReadOnlySpan<byte> file, out PictureHeader header)
    {
        header = default;
        if (KindOf(file) is not { } kind) return false;
        var (width, height) = kind switch
        {
            PictureKind.Png => OfPng(file),
            PictureKind.Jpeg => OfJpeg(file),
            PictureKind.Webp => OfWebp(file),
            PictureKind.Gif => OfGif(file),
            _ => OfBmp(file),
        };
        header = new(kind, width, height);
        return header is { Width: > 0, Height: > 0 };
    }

    /// <summary>The format that the first bytes tell; null for none of ours.</summary>
    public static PictureKind? KindOf(ReadOnlySpan<byte> file) =>
        file.StartsWith(PngSignature) ? PictureKind.Png
        : file is [0xFF, 0xD8, 0xFF, ..] ? PictureKind.Jpeg
        : file.StartsWith("RIFF"u8) && file.Length >= 20 && file[8..].StartsWith("WEBP"u8) ? PictureKind.Webp
        : file.StartsWith("GIF87a"u8) || file.StartsWith("GIF89a"u8) ? PictureKind.Gif
        : file.StartsWith("BM"u8) ? PictureKind.Bmp
        : null;

    /// <summary>IHDR: width, height. It should be the first chunk; some programs put one of their own before it.</summary>
    private static (int Width, int Height) OfPng(ReadOnlySpan<byte> file)
    {
        for (long at = PngSignature.Length; at + 16 <= file.Length;)
        {
            var chunk = file[(int)at..];
            if (chunk[4..].StartsWith("IHDR"u8)) return (BinaryPrimitives.ReadInt32BigEndian(chunk[8..]), BinaryPrimitives.ReadInt32BigEndian(chunk[12..]));
            at += 12L + BinaryPrimitives.ReadUInt32BigEndian(chunk);
        }
        return default;
    }

    /// <summary>
    /// Walks the segments up to the first start of frame: SOF0–SOF15 but for DHT (C4), JPG (C8) and DAC (CC). As libjpeg does, it passes over whatever stands between
    /// segments: fill bytes, zeros, other bytes.
    /// </summary>
    private static (int Width, int Height) OfJpeg(ReadOnlySpan<byte> file)
    {
        for (var at = 2; at + 9 <= file.Length;)
        {
            var marker = file[at + 1];
            if (file[at] != 0xFF || marker is 0 or 0xFF) { at++; continue; }
            if (marker is 0x01 or (>= 0xD0 and <= 0xD8)) { at += 2; continue; }
            if (marker is 0xD9 or 0xDA) return default;
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
                return (BinaryPrimitives.ReadUInt16BigEndian(file[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(file[(at + 5)..]));
            at += 2 + Math.Max(2, (int)BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..])); // the length counts itself, whatever it says
        }
        return default;
    }

    /// <summary>Three kinds: lossy (key frame of VP8), lossless (VP8L: 14 + 14 bits, less one) and extended (VP8X: 24 + 24 bits, less one).</summary>
    private static (int Width, int Height) OfWebp(ReadOnlySpan<byte> file)
    {
        var kind = file[12..];
        var data = file[20..];
        if (kind.StartsWith("VP8 "u8) && data is [_, _, _, 0x9D, 0x01, 0x2A, _, _, _, _, ..])
            return (BinaryPrimitives.ReadUInt16LittleEndian(data[6..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(data[8..]) & 0x3FFF);
        if (kind.StartsWith("VP8L"u8) && data is [0x2F, _, _, _, _, ..])
        {
            var bits = BinaryPrimitives.ReadUInt32LittleEndian(data[1..]);
            return ((int)(bits & 0x3FFF) + 1, (int)((bits >> 14) & 0x3FFF) + 1);
        }
        return kind.StartsWith("VP8X"u8) && data.Length >= 10 ? (OfThreeBytes(data[4..]) + 1, OfThreeBytes(data[7..]) + 1) : default;
    }

    /// <summary>The screen, which grows where the first picture goes beyond it.</summary>
    private static (int Width, int Height) OfGif(ReadOnlySpan<byte> file)
    {
        const int screenHeader = 13, descriptor = 9;
        if (file.Length < screenHeader) return default;
        var at = screenHeader + ((file[10] & 0x80) == 0 ? 0 : 3 << ((file[10] & 7) + 1));
        while (at < file.Length && file[at] != ';')
        {
            var block = file[at++];
            if (block == ',' && at + descriptor <= file.Length)
            {
                return (Math.Max(U16(file[6..]), U16(file[at..]) + U16(file[(at + 4)..])), Math.Max(U16(file[8..]), U16(file[(at + 2)..]) + U16(file[(at + 6)..])));
            }
            if (block != '!') continue;
            at++; // which extension
            while (at < file.Length && file[at] != 0) at += 1 + file[at];
        }
        return default;

        static int U16(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt16LittleEndian(bytes);
    }

    /// <summary>A negative height means rows from the top. The oldest header, of 12 bytes, has numbers of two bytes.</summary>
    private static (int Width, int Height) OfBmp(ReadOnlySpan<byte> file)
    {
        if (file.Length < 26) return default;
        return BinaryPrimitives.ReadUInt32LittleEndian(file[14..]) == 12
            ? (BinaryPrimitives.ReadUInt16LittleEndian(file[18..]), BinaryPrimitives.ReadUInt16LittleEndian(file[20..]))
            : (BinaryPrimitives.ReadInt32LittleEndian(file[18..]), (int)Math.Min(Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(file[22..])), int.MaxValue));
    }

    private static int OfThreeBytes(ReadOnlySpan<byte> bytes) => bytes[0] | bytes[1] << 8 | bytes[2] << 16;
}
