using System.IO.Compression;
using Emu3.Inference.Vision;

namespace Emu3.Tests.Unit.Inference.Vision;

/// <summary>PNG files that are not as they should be: read when all pixels are there, as Pillow does.</summary>
[Trait("Suite", "Fast")]
public sealed class PngDamageTests
{
    private const long Limit = 10_000;

    private static readonly byte[] s_pixels = [.. Enumerable.Range(0, 7 * 5 * 3).Select(at => (byte)(at * 7))];

    private static readonly byte[] s_header = [0, 0, 0, 7, 0, 0, 0, 5, 8, 2, 0, 0, 0];

    private static readonly byte[] s_data = Compressed(s_pixels);

    [Fact]
    public void Decode_ChecksumOfTheImageDataWrong_IsRead() => AssertRead(Build(With(PngText.Chunk("IDAT"u8, s_data), ^1)));

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Decode_ChecksumBehindTheCompressedDataMissing_IsRead(int missing) => AssertRead(Build(PngText.Chunk("IDAT"u8, s_data.AsSpan(0, s_data.Length - missing))));

    [Fact]
    public void Decode_EndsInsideTheChecksum_IsRead()
    {
        byte[] file = [.. PngText.Signature, .. PngText.Chunk("IHDR"u8, s_header), .. PngText.Chunk("IDAT"u8, s_data)];
        for (var cut = 0; cut <= 4; cut++)
            AssertRead(file[..^cut]);
    }

    [Fact]
    public void Decode_UnknownChunkThatClaimsToBeNeeded_IsPassedOver() =>
        AssertRead([.. PngText.Signature, .. PngText.Chunk("IHDR"u8, s_header), .. PngText.Chunk("ABCD"u8, [1]), .. PngText.Chunk("IDAT"u8, s_data)]);

    [Fact]
    public void Decode_ImageDataInManyChunks_IsRead() => AssertRead(Build([.. s_data.Chunk(3).SelectMany(part => PngText.Chunk("IDAT"u8, part)), .. PngText.Chunk("IDAT"u8, [])]));

    [Fact]
    public void Decode_GammaAndProfile_ChangeNothing()
    {
        byte[] chunks = [.. PngText.Chunk("gAMA"u8, [0, 0, 0x10, 0]), .. PngText.Chunk("sBIT"u8, [3, 3, 3]), .. PngText.Chunk("iCCP"u8, [.. "x\0\0"u8, .. Compressed(new byte[200])])];
        AssertRead(Build([.. chunks, .. PngText.Chunk("IDAT"u8, s_data)]));
    }

    [Theory]
    [InlineData(0)] // behind the compressed data
    [InlineData(12)] // inside
    public void Decode_ImageDataDamaged_IsRefused(int fromEnd)
    {
        var damaged = With(s_data, ^(fromEnd + 1));
        Assert.Throws<PictureException>(() => PictureFiles.Decode(Build(PngText.Chunk("IDAT"u8, damaged)), Limit));
    }

    [Fact]
    public void Decode_ImageDataCut_IsRefusedAsTruncatedOrDamaged()
    {
        var file = Build(PngText.Chunk("IDAT"u8, s_data.AsSpan(0, s_data.Length - 30)));
        Assert.Matches("truncated|damaged", Assert.Throws<PictureException>(() => PictureFiles.Decode(file, Limit)).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Decode_IndexBeyondThePalette_IsBlack(byte bitDepth)
    {
        byte[] header = [0, 0, 0, 2, 0, 0, 0, 1, bitDepth, 3, 0, 0, 0];
        byte[] row = bitDepth == 8 ? [0, 255] : [(byte)((1 << bitDepth) - 1 << 8 - 2 * bitDepth)]; // index 0, then the last one
        byte[] file =
        [
            .. PngText.Signature, .. PngText.Chunk("IHDR"u8, header), .. PngText.Chunk("PLTE"u8, [10, 20, 30]),
            .. PngText.Chunk("IDAT"u8, Compressed([.. row], rowLength: row.Length)), .. PngText.Chunk("IEND"u8, []),
        ];
        Assert.Equal([10, 20, 30, 0, 0, 0], PictureFiles.Decode(file, Limit).Rgb);
    }

    private static void AssertRead(byte[] file) => Assert.Equal(s_pixels, PictureFiles.Decode(file, Limit).Rgb);

    private static byte[] Build(byte[] chunks) => [.. PngText.Signature, .. PngText.Chunk("IHDR"u8, s_header), .. chunks, .. PngText.Chunk("IEND"u8, [])];

    private static byte[] With(byte[] bytes, Index changed)
    {
        byte[] copy = [.. bytes];
        copy[changed] ^= 0x5A;
        return copy;
    }

    private static byte[] Compressed(byte[] pixels, int rowLength = 21)
    {
        using var buffer = new MemoryStream();
        using (var zlib = new ZLibStream(buffer, CompressionLevel.Optimal))
        {
            foreach (var row in pixels.Chunk(rowLength))
            {
                zlib.WriteByte(0); // no filter
                zlib.Write(row);
            }
        }
        return buffer.ToArray();
    }
}
