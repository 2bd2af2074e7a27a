using System.Buffers.Binary;

namespace Emu3.Tests.Unit.Inference.Vision;

/// <summary>GIF files put together block by block.</summary>
static class HandmadeGif
{
    /// <summary>What a picture of the file is made of.</summary>
    internal sealed record Frame(int Left, int Top, int Width, int Height, byte[] Indices, byte[]? Palette = null, byte? Transparent = null);

    /// <param name="width">Of the screen.</param>
    /// <param name="height">Of the screen.</param>
    /// <param name="palette">RGB triples, a power of two of them; null for none.</param>
    /// <param name="frames">In their order.</param>
    public static byte[] Build(int width, int height, byte[]? palette, params Frame[] frames) =>
    [
        .. "GIF89a"u8, .. U16(width), .. U16(height), Flags(palette), 1, 0, .. palette ?? [],
        .. frames.SelectMany(Blocks),
        0x3B,
    ];

    private static byte[] Blocks(Frame frame) =>
    [
        .. frame.Transparent is { } transparent ? new byte[] { 0x21, 0xF9, 4, 1, 0, 0, transparent, 0 } : [],
        0x2C, .. U16(frame.Left), .. U16(frame.Top), .. U16(frame.Width), .. U16(frame.Height), Flags(frame.Palette), .. frame.Palette ?? [],
        8, .. Data(frame.Indices).Chunk(255).SelectMany(block => (byte[])[(byte)block.Length, .. block]), 0,
    ];

    private static byte Flags(byte[]? palette) => palette is null ? (byte)0 : (byte)(0x80 | (int.Log2(palette.Length / 3) - 1));

    /// <summary>LZW that never uses what it has seen: codes of nine bits, with a clear code before they would have to grow.</summary>
    private static byte[] Data(byte[] indices)
    {
        const int clear = 256, end = 257;
        var codes = indices.Chunk(200).SelectMany(part => part.Select(index => (int)index).Prepend(clear)).Append(end).ToArray();
        var data = new byte[(codes.Length * 9 + 7) / 8];
        for (var bit = 0; bit < codes.Length * 9; bit++)
            data[bit / 8] |= (byte)((codes[bit / 9] >> bit % 9 & 1) << bit % 8);
        return data;
    }

    private static byte[] U16(int value)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)value);
        return bytes;
    }
}
