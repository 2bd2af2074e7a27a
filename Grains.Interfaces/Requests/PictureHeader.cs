using System.Buffers.Binary;

namespace Emu3.Grains.Interfaces.Requests;

/// <summary>
/// Width and height from the first bytes of a PNG, JPEG or WebP file, without decoding anything: a picture that is too large is refused
/// before a decoder sees it. Formats: PNG (ISO 15948) 11.2.2, JPEG (ITU T.81) B.2.2, WebP (RFC 9649) 2.4–2.7.
/// </summary>
public readonly record struct PictureHeader(int Width, int Height)
{
    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n'];

    public long Pixels => (long)Width * Height;

    /// <summary>False when the file is none of the three, or ends before its size is told.</summary>
    public static bool TryRead(ReadOnlySpan<byte> file, out PictureHeader header)
    {
        header = file.StartsWith(PngSignature) ? OfPng(file)
            : file is [0xFF, 0xD8, ..] ? OfJpeg(file)
            : file.StartsWith("RIFF"u8) && file.Length >= 30 && file[8..].StartsWith("WEBP"u8) ? OfWebp(file)
            : default;
        return header is { Width: > 0, Height: > 0 };
    }

    /// <summary>IHDR is always the first chunk: length, name, width, height.</summary>
    private static PictureHeader OfPng(ReadOnlySpan<byte> file) => file.Length >= 24 && file[12..].StartsWith("IHDR"u8)
        ? new(BinaryPrimitives.ReadInt32BigEndian(file[16..]), BinaryPrimitives.ReadInt32BigEndian(file[20..]))
        : default;

    /// <summary>Walks the segments up to the first start of frame: SOF0–SOF15 but for DHT (C4), JPG (C8) and DAC (CC).</summary>
    private static PictureHeader OfJpeg(ReadOnlySpan<byte> file)
    {
        for (var at = 2; at + 9 <= file.Length;)
        {
            if (file[at] != 0xFF) return default;
            var marker = file[at + 1];
            if (marker == 0xFF) { at++; continue; }
            if (marker is 0x01 or (>= 0xD0 and <= 0xD7)) { at += 2; continue; }
            if (marker is 0xD9 or 0xDA) return default;
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
                return new(BinaryPrimitives.ReadUInt16BigEndian(file[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(file[(at + 5)..]));
            var length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (length < 2) return default;
            at += 2 + length;
        }
        return default;
    }

    /// <summary>Three kinds: lossy (key frame of VP8), lossless (VP8L: 14 + 14 bits, less one) and extended (VP8X: 24 + 24 bits, less one).</summary>
    private static PictureHeader OfWebp(ReadOnlySpan<byte> file)
    {
        var kind = file[12..];
        var data = file[20..];
        if (kind.StartsWith("VP8 "u8) && data is [_, _, _, 0x9D, 0x01, 0x2A, ..])
            return new(BinaryPrimitives.ReadUInt16LittleEndian(data[6..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(data[8..]) & 0x3FFF);
        if (kind.StartsWith("VP8L"u8) && data[0] == 0x2F)
        {
            var bits = BinaryPrimitives.ReadUInt32LittleEndian(data[1..]);
            return new((int)(bits & 0x3FFF) + 1, (int)((bits >> 14) & 0x3FFF) + 1);
        }
        if (kind.StartsWith("VP8X"u8)) return new(OfThreeBytes(data[4..]) + 1, OfThreeBytes(data[7..]) + 1);
        return default;
    }

    private static int OfThreeBytes(ReadOnlySpan<byte> bytes) => bytes[0] | bytes[1] << 8 | bytes[2] << 16;
}
