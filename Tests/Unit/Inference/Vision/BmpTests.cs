using System.Buffers.Binary;
using Emu3.Inference.Vision;

namespace Emu3.Tests.Unit.Inference.Vision;

/// <summary>Where Skia reads a BMP otherwise than Pillow.</summary>
[Trait("Suite", "Fast")]
public sealed class BmpTests
{
    private const long Limit = 10_000;

    [Theory]
    [InlineData(null, 31, 31, 31)]
    [InlineData(new[] { 0xF800, 0x07E0, 0x001F }, 31, 63, 31)]
    public void Decode_SixteenBits_AreSpreadRoundingDown(int[]? masks, int red, int green, int blue)
    {
        var random = new Random(3);
        var samples = Enumerable.Range(0, 64).Select(_ => (R: random.Next(red + 1), G: random.Next(green + 1), B: random.Next(blue + 1))).ToArray();
        var (greenBits, redBits) = (5, green == 63 ? 11 : 10);
        var pixels = new byte[2 * samples.Length];
        for (var i = 0; i < samples.Length; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(pixels.AsSpan(2 * i), (ushort)(samples[i].R << redBits | samples[i].G << greenBits | samples[i].B));
        var picture = PictureFiles.Decode(Build(64, 1, 16, pixels, masks), Limit);
        Assert.Equal(samples.SelectMany(s => (byte[])[(byte)(s.R * 255 / red), (byte)(s.G * 255 / green), (byte)(s.B * 255 / blue)]), picture.Rgb);
    }

    [Theory]
    [InlineData(1, true)] // of three bytes a pixel, the third pixel ends one byte before the row's padding of three
    [InlineData(3, true)]
    [InlineData(4, false)]
    public void Decode_WithoutTheLastRowsPadding_IsWhole(int missing, bool isWhole)
    {
        byte[] rows = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 11, 12, 13, 14, 15, 16, 17, 18, 19, 0, 0, 0];
        var file = Build(3, 2, 24, rows[..^missing], null);
        if (isWhole)
            Assert.Equal([13, 12, 11, 16, 15, 14, 19, 18, 17, 3, 2, 1, 6, 5, 4, 9, 8, 7], PictureFiles.Decode(file, Limit).Rgb);
        else
            Assert.Contains("BMP file is truncated", Assert.Throws<PictureException>(() => PictureFiles.Decode(file, Limit)).Message, StringComparison.Ordinal);
    }

    private static byte[] Build(int width, int height, short bits, byte[] pixels, int[]? masks)
    {
        const int headers = 14 + 40;
        var file = new byte[headers + (masks?.Length ?? 0) * 4];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length + pixels.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), height);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(28), bits);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(30), masks is null ? 0 : 3);
        for (var i = 0; i < masks?.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(headers + 4 * i), masks[i]);
        return [.. file, .. pixels];
    }
}
