using System.Buffers.Binary;
using System.IO.Compression;
using Emu3.Inference.Vision;

namespace Emu3.Tests.Unit.Inference.Vision;

/// <summary>PNG files put together chunk by chunk, of kinds that our encoder does not write.</summary>
static class HandmadePng
{
    public const byte Gray = 0, Rgb = 2, Palette = 3, GrayAlpha = 4, RgbAlpha = 6;

    /// <param name="width">Pixels, whatever the rows hold.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="colourType">PNG's number for the kind of pixel.</param>
    /// <param name="rows">Samples of each row, 8 bits each.</param>
    /// <param name="palette">RGB triples.</param>
    /// <param name="transparency">Alpha of the palette's entries.</param>
    public static byte[] Build(int width, int height, byte colourType, byte[][] rows, byte[]? palette = null, byte[]? transparency = null)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, colourType);
        return
        [
            .. PngText.Signature,
            .. PngText.Chunk("IHDR"u8, header),
            .. palette is null ? [] : PngText.Chunk("PLTE"u8, palette),
            .. transparency is null ? [] : PngText.Chunk("tRNS"u8, transparency),
            .. PngText.Chunk("IDAT"u8, Compressed(rows)),
            .. PngText.Chunk("IEND"u8, []),
        ];
    }

    static byte[] Compressed(byte[][] rows)
    {
        using var buffer = new MemoryStream();
        using (var zlib = new ZLibStream(buffer, CompressionLevel.Fastest))
        {
            foreach (var row in rows)
            {
                zlib.WriteByte(0); // no filter
                zlib.Write(row);
            }
        }
        return buffer.ToArray();
    }
}
