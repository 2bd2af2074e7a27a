using System.Buffers.Binary;
using Emu3.Inference.Vision.Containers;

namespace Emu3.Inference.Vision;

/// <summary>XMP in a WebP file (RFC 9649 §2.7): a chunk at the end, announced by a flag in the VP8X chunk, which simple files lack.</summary>
static class WebpXmp
{
    private const int RiffHeader = 12, ChunkHeader = 8, ExtendedLength = 10;
    private const byte XmpFlag = 0x04;

    public static byte[] Embed(ReadOnlySpan<byte> file, ReadOnlySpan<byte> packet)
    {
        var body = file[RiffHeader..];
        byte[] extended = body.StartsWith("VP8X"u8) ? [.. body[..(ChunkHeader + ExtendedLength)]] : Extended(PictureFiles.ReadHeader(file));
        extended[ChunkHeader] |= XmpFlag;
        var chunks = body.StartsWith("VP8X"u8) ? body[extended.Length..] : body;
        byte[] result = [.. "RIFF\0\0\0\0WEBP"u8, .. extended, .. chunks, .. Chunk("XMP "u8, packet)];
        BinaryPrimitives.WriteInt32LittleEndian(result.AsSpan(4), result.Length - 8);
        return result;
    }

    /// <summary>The packet, or nothing.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> file) => WebpChunks.TryFind(file, "XMP "u8, out var packet) ? packet : [];

    private static byte[] Extended(PictureHeader header)
    {
        var content = new byte[ExtendedLength]; // flags, three reserved bytes, width − 1, height − 1
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(4), header.Width - 1);
        content[7] = (byte)(header.Height - 1);
        BinaryPrimitives.WriteInt16LittleEndian(content.AsSpan(8), (short)(header.Height - 1 >> 8));
        return Chunk("VP8X"u8, content);
    }

    private static byte[] Chunk(ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        var chunk = new byte[ChunkHeader + Padded(content.Length)];
        type.CopyTo(chunk);
        BinaryPrimitives.WriteInt32LittleEndian(chunk.AsSpan(4), content.Length);
        content.CopyTo(chunk.AsSpan(ChunkHeader));
        return chunk;
    }

    private static int Padded(int length) => length + (length & 1);
}
