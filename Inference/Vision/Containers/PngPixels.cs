namespace Emu3.Inference.Vision.Containers;

/// <summary>
/// A PNG file reduced to what its pixels' numbers come from: header, palette, image data. Colour profiles, gamma, transparency and chunks that nobody knows stay out,
/// so no decoder can act on them. A palette that is shorter than its pixels can ask for is filled up with black, as Pillow does; libpng's users differ there.
/// </summary>
static class PngPixels
{
    private const byte Palette = 3;

    /// <summary>The reduced file. Where the image data is cut, it is cut at the same place.</summary>
    public static byte[] Reduce(ReadOnlySpan<byte> file)
    {
        var reduced = new MemoryStream(file.Length + 1024);
        reduced.Write(PngText.Signature);
        var (bitDepth, colourType) = (0, 0);
        foreach (var chunk in new PngChunks(file))
        {
            if (chunk.Is("IHDR"u8) && chunk.Content.Length >= 10)
            {
                (bitDepth, colourType) = (chunk.Content[8], chunk.Content[9]);
                reduced.Write(chunk.Bytes);
            }
            else if (chunk.Is("PLTE"u8) && colourType == Palette)
                reduced.Write(Filled(chunk, bitDepth));
            else if (chunk.Is("IDAT"u8))
            {
                // A file that ends inside the checksum has all of its image data.
                reduced.Write(chunk.IsWhole && !chunk.HasChecksum ? PngText.Chunk(chunk.Type, chunk.Content) : chunk.Bytes);
                if (!chunk.IsWhole)
                    return reduced.ToArray();
            }
        }
        reduced.Write(PngText.Chunk("IEND"u8, []));
        return reduced.ToArray();
    }

    /// <summary>A chunk with a wrong checksum stays as it is, and is the decoder's to refuse.</summary>
    private static ReadOnlySpan<byte> Filled(PngChunks.Chunk palette, int bitDepth)
    {
        var wholeLength = 3 * (1 << Math.Min(bitDepth, 8));
        if (palette.Content.Length >= wholeLength || !palette.Bytes.SequenceEqual(PngText.Chunk(palette.Type, palette.Content)))
            return palette.Bytes;
        var whole = new byte[wholeLength];
        palette.Content.CopyTo(whole);
        return PngText.Chunk(palette.Type, whole);
    }
}
