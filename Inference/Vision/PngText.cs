using System.Buffers.Binary;
using System.Text;
using Emu3.Inference.Vision.Containers;

namespace Emu3.Inference.Vision;

/// <summary>The text chunks of PNG (specification, third edition, §11.3.3): <c>tEXt</c> where ASCII is enough, <c>iTXt</c> (UTF-8) otherwise.</summary>
static class PngText
{
    public static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    private static ReadOnlySpan<byte> Keyword => "emu3\0"u8;

    private const int ChunkFrame = 12; // length, type, checksum

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private static readonly uint[] ChecksumTable = [.. Enumerable.Range(0, 256).Select(ChecksumOfByte)];

    public static byte[] Embed(ReadOnlySpan<byte> file, string text)
    {
        if (text.Contains('\0'))
            throw new ArgumentException("a PNG text chunk can't hold NUL characters", nameof(text));
        var ascii = Ascii.IsValid(text);
        // iTXt: keyword, not compressed, no language, no translated keyword.
        byte[] content = ascii ? [.. Keyword, .. Encoding.ASCII.GetBytes(text)] : [.. Keyword, 0, 0, 0, 0, .. StrictUtf8.GetBytes(text)];
        var afterHeader = Signature.Length + ChunkFrame + BinaryPrimitives.ReadInt32BigEndian(file[Signature.Length..]);
        return [.. file[..afterHeader], .. Chunk(ascii ? "tEXt"u8 : "iTXt"u8, content), .. file[afterHeader..]];
    }

    public static string? Read(ReadOnlySpan<byte> file)
    {
        foreach (var chunk in new PngChunks(file))
        {
            if (!chunk.IsWhole)
                throw new PictureException("the PNG file is truncated inside a chunk");
            if (chunk.Is("tEXt"u8) && chunk.Content.StartsWith(Keyword))
                return Encoding.Latin1.GetString(chunk.Content[Keyword.Length..]);
            if (chunk.Is("iTXt"u8) && chunk.Content.StartsWith(Keyword))
                return International(chunk.Content[Keyword.Length..]);
        }
        return null;
    }

    private static string International(ReadOnlySpan<byte> content)
    {
        if (content.Length < 2 || content[0] != 0)
            throw new PictureException("the PNG file's emu3 text is compressed or damaged; uncompressed text is read");
        content = content[2..];
        for (var skipped = 0; skipped < 2; skipped++) // language, translated keyword
        {
            var end = content.IndexOf((byte)0);
            if (end < 0)
                throw new PictureException("the PNG file's emu3 text is damaged");
            content = content[(end + 1)..];
        }
        return Encoding.UTF8.GetString(content);
    }

    /// <summary>A chunk with its length and checksum.</summary>
    public static byte[] Chunk(ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        var chunk = new byte[ChunkFrame + content.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        type.CopyTo(chunk.AsSpan(4));
        content.CopyTo(chunk.AsSpan(8));
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(^4), Checksum(chunk.AsSpan(4..^4)));
        return chunk;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var checksum = uint.MaxValue;
        foreach (var value in bytes)
            checksum = ChecksumTable[(byte)(checksum ^ value)] ^ checksum >> 8;
        return ~checksum;
    }

    /// <summary>CRC-32 of ISO 3309, as PNG's annex D has it.</summary>
    private static uint ChecksumOfByte(int value)
    {
        var checksum = (uint)value;
        for (var bit = 0; bit < 8; bit++)
            checksum = (checksum & 1) == 0 ? checksum >> 1 : 0xEDB88320 ^ checksum >> 1;
        return checksum;
    }
}
