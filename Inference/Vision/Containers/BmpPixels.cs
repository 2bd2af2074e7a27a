using System.Buffers.Binary;
using System.Numerics;

namespace Emu3.Inference.Vision.Containers;

/// <summary>Where Pillow and Skia read a BMP file differently, Pillow's way.</summary>
static class BmpPixels
{
    private const int FileHeader = 14, LongHeader = 40;
    private const int Uncompressed = 0, Masked = 3;

    /// <summary>The file, with the bytes that fill up its last row to a multiple of four: nobody needs them, and some writers leave them out.</summary>
    public static ReadOnlySpan<byte> WithLastPadding(ReadOnlySpan<byte> file)
    {
        if (!TryReadHeader(file, out var width, out var height, out var bits, out var compression) || compression is not (Uncompressed or Masked))
            return file;
        var (row, stride) = ((width * bits + 7) / 8, (width * bits + 31) / 32 * 4);
        var missing = BinaryPrimitives.ReadUInt32LittleEndian(file[10..]) + stride * height - file.Length;
        if (missing <= 0 || missing > stride - row)
            return file;
        var whole = new byte[file.Length + missing];
        file.CopyTo(whole);
        return whole;
    }

    /// <summary>Colours of 5 or 6 bits: Pillow rounds down when it spreads them over a byte, Skia to the nearest.</summary>
    public static void RoundDown(ReadOnlySpan<byte> file, Span<byte> rgba)
    {
        if (!TryReadHeader(file, out _, out _, out var bits, out var compression) || bits != 16)
            return;
        var isMasked = compression == Masked && file.Length >= FileHeader + LongHeader + 12;
        Span<int> largest = stackalloc int[3];
        for (var channel = 0; channel < 3; channel++)
        {
            var mask = isMasked ? BinaryPrimitives.ReadUInt32LittleEndian(file[(FileHeader + LongHeader + 4 * channel)..]) : 0x1F;
            largest[channel] = (1 << Math.Min(BitOperations.PopCount(mask), 8)) - 1;
        }
        for (var at = 0; at < rgba.Length; at += 4)
            for (var channel = 0; channel < 3; channel++)
                if (largest[channel] is > 0 and var most)
                    rgba[at + channel] = (byte)((rgba[at + channel] * most + 127) / 255 * 255 / most);
    }

    private static bool TryReadHeader(ReadOnlySpan<byte> file, out long width, out long height, out int bits, out int compression)
    {
        (width, height, bits, compression) = (0, 0, 0, 0);
        if (file.Length < FileHeader + LongHeader || BinaryPrimitives.ReadUInt32LittleEndian(file[FileHeader..]) < LongHeader)
            return false;
        width = BinaryPrimitives.ReadInt32LittleEndian(file[18..]);
        height = Math.Abs((long)BinaryPrimitives.ReadInt32LittleEndian(file[22..]));
        bits = BinaryPrimitives.ReadUInt16LittleEndian(file[28..]);
        compression = BinaryPrimitives.ReadInt32LittleEndian(file[30..]);
        return width > 0;
    }
}
