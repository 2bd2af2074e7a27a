using System.Buffers.Binary;
using Emu3.Inference.Vision.Containers;

namespace Emu3.Inference.Vision;

/// <summary>XMP in a JPEG file (XMP specification, part 3, §1.1.3): one APP1 segment that begins with a fixed name.</summary>
static class JpegXmp
{
    public static ReadOnlySpan<byte> StartOfImage => [0xFF, 0xD8];

    private static ReadOnlySpan<byte> Name => "http://ns.adobe.com/xap/1.0/\0"u8;

    private const int MaxSegment = ushort.MaxValue; // its own two length bytes included
    private const byte App0 = 0xE0, App1 = 0xE1;

    public static byte[] Embed(ReadOnlySpan<byte> file, ReadOnlySpan<byte> packet)
    {
        var length = 2 + Name.Length + packet.Length;
        if (length > MaxSegment)
            throw new ArgumentException(
                $"the text takes {packet.Length} bytes as XMP; a JPEG file holds {MaxSegment - 2 - Name.Length}. PNG and WebP hold more", nameof(packet));
        var at = StartOfImage.Length;
        if (file[at + 1] == App0) // JFIF wants to be first
            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
        return [.. file[..at], 0xFF, App1, (byte)(length >> 8), (byte)length, .. Name, .. packet, .. file[at..]];
    }

    /// <summary>The packet, or nothing.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> file)
    {
        var segments = new JpegSegments(file);
        while (segments.MoveNext())
        {
            if (segments.Marker == App1 && segments.Content.StartsWith(Name))
                return segments.Content[Name.Length..];
        }
        if (segments.IsCut)
            throw new PictureException("the JPEG file is truncated inside a segment");
        return [];
    }
}
