using Emu3.Inference.Vision;

namespace Emu3.Tests.Unit.Inference.Vision;

[Trait("Suite", "Fast")]
public sealed class PictureFilesTests
{
    const long Limit = 1_000_000;

    public static TheoryData<PictureFormat> Formats => [.. Enum.GetValues<PictureFormat>()];

    [Fact]
    public void Decode_HugeHeader_IsRefusedBeforeAnythingIsAllocated()
    {
        var file = HandmadePng.Build(100_000, 100_000, HandmadePng.Rgb, [[1, 2, 3]]);
        PictureFiles.ReadHeader(file); // native library loaded
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refused = Assert.Throws<PictureException>(() => PictureFiles.Decode(file, 178_956_970));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.Contains("100000×100000", refused.Message, StringComparison.Ordinal);
        Assert.Contains("178956970", refused.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Formats))]
    public void Decode_TruncatedFile_IsRefusedAsTruncatedOrDamaged(PictureFormat format)
    {
        var file = PictureFiles.Encode(Patches(96, 64), format);
        for (var length = file.Length - 40; length > 0; length -= 37) // less would cut off the end mark alone
        {
            var refused = Assert.Throws<PictureException>(() => PictureFiles.Decode(file.AsSpan(0, length), Limit));
            Assert.Matches("truncated|damaged", refused.Message);
        }
    }

    [Fact]
    public void Decode_TruncatedJpeg_SaysSo()
    {
        var file = PictureFiles.Encode(Patches(96, 64), PictureFormat.Jpeg);
        var refused = Assert.Throws<PictureException>(() => PictureFiles.Decode(file.AsSpan(0, file.Length / 4 * 3), Limit));
        Assert.Contains("JPEG file is truncated", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_NotAPicture_IsRefused()
    {
        Assert.Contains("empty", Assert.Throws<PictureException>(() => PictureFiles.Decode([], Limit)).Message, StringComparison.Ordinal);
        Assert.Contains(PictureFiles.Formats, Assert.Throws<PictureException>(() => PictureFiles.Decode("plain text"u8, Limit)).Message, StringComparison.Ordinal);
        byte[] icon = [0, 0, 1, 0, 1, 0, 16, 16, 0, 0, 1, 0, 32, 0, 0, 0];
        Assert.Contains(PictureFiles.Formats, Assert.Throws<PictureException>(() => PictureFiles.Decode(icon, Limit)).Message, StringComparison.Ordinal);
    }

    [Theory] // where the file's top left patch is seen, and its top right one
    [InlineData(1, false, false, false)]
    [InlineData(2, false, true, false)]
    [InlineData(3, false, true, true)]
    [InlineData(4, false, false, true)]
    [InlineData(5, true, false, false)]
    [InlineData(6, true, true, false)]
    [InlineData(7, true, true, true)]
    [InlineData(8, true, false, true)]
    public void Decode_ExifOrientation_IsApplied(byte orientation, bool transposed, bool mirrored, bool flipped)
    {
        var stored = Patches(96, 64);
        var upright = PictureFiles.Decode(WithOrientation(PictureFiles.Encode(stored, PictureFormat.Jpeg), orientation), Limit);
        Assert.Equal(transposed ? (64, 96) : (96, 64), (upright.Width, upright.Height));
        for (var row = 0; row < 2; row++)
        {
            for (var column = 0; column < 2; column++)
            {
                // Transposed first, then mirrored: orientation 6 is a quarter turn clockwise, 8 one counter-clockwise.
                var (fromRow, fromColumn) = (flipped ? 1 - row : row, mirrored ? 1 - column : column);
                var expected = transposed ? Patch(stored, fromColumn, fromRow) : Patch(stored, fromRow, fromColumn);
                var seen = Patch(upright, row, column);
                for (var channel = 0; channel < 3; channel++)
                    Assert.InRange(seen[channel] - expected[channel], -8, 8);
            }
        }
    }

    [Fact]
    public void Decode_Alpha_IsDroppedNotBlended()
    {
        var rgba = HandmadePng.Build(2, 1, HandmadePng.RgbAlpha, [[200, 100, 50, 0, 10, 20, 30, 128]]);
        Assert.Equal([200, 100, 50, 10, 20, 30], PictureFiles.Decode(rgba, Limit).Rgb);
        var grayAlpha = HandmadePng.Build(2, 1, HandmadePng.GrayAlpha, [[77, 0, 99, 1]]);
        Assert.Equal([77, 77, 77, 99, 99, 99], PictureFiles.Decode(grayAlpha, Limit).Rgb);
    }

    [Fact]
    public void Decode_PaletteAndGray_AreExpanded()
    {
        var palette = HandmadePng.Build(3, 1, HandmadePng.Palette, [[1, 0, 1]], [1, 2, 3, 40, 50, 60], [255, 7]);
        Assert.Equal([40, 50, 60, 1, 2, 3, 40, 50, 60], PictureFiles.Decode(palette, Limit).Rgb);
        Assert.Equal([5, 5, 5, 250, 250, 250], PictureFiles.Decode(HandmadePng.Build(2, 1, HandmadePng.Gray, [[5, 250]]), Limit).Rgb);
    }

    [Theory, MemberData(nameof(Formats))]
    public void Encode_ThenHeader_TellsFormatAndSize(PictureFormat format) =>
        Assert.Equal(new PictureHeader(Enum.Parse<SourceFormat>(format.ToString()), 96, 64), PictureFiles.ReadHeader(PictureFiles.Encode(Patches(96, 64), format)));

    [Theory]
    [InlineData(PictureFormat.Png, 0)]
    [InlineData(PictureFormat.Webp, 100)]
    public void Encode_Lossless_GivesTheSamePixelsBack(PictureFormat format, int quality)
    {
        var picture = Patches(37, 21);
        Assert.Equal(picture.Rgb, PictureFiles.Decode(PictureFiles.Encode(picture, format, quality), Limit).Rgb);
    }

    [Fact]
    public void Encode_TooWideForWebp_NamesTheSize()
    {
        var refused = Assert.Throws<ArgumentException>(() => PictureFiles.Encode(new Picture(20_000, 1, new byte[60_000]), PictureFormat.Webp));
        Assert.Contains("20000×1", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Four patches of different colours.</summary>
    static Picture Patches(int width, int height)
    {
        byte[][] colours = [[230, 30, 30], [30, 200, 40], [40, 40, 220], [220, 210, 30]];
        var rgb = new byte[3 * width * height];
        for (var pixel = 0; pixel < width * height; pixel++)
            colours[(pixel / width < height / 2 ? 0 : 2) + (pixel % width < width / 2 ? 0 : 1)].CopyTo(rgb, 3 * pixel);
        return new Picture(width, height, rgb);
    }

    /// <summary>The middle pixel of one of the four patches.</summary>
    static byte[] Patch(Picture picture, int row, int column)
    {
        var pixel = picture.Height * (2 * row + 1) / 4 * picture.Width + picture.Width * (2 * column + 1) / 4;
        return picture.Rgb[(3 * pixel)..(3 * pixel + 3)];
    }

    /// <summary>An Exif segment with the orientation alone, after the start of the file.</summary>
    static byte[] WithOrientation(byte[] jpeg, byte orientation)
    {
        byte[] exif =
        [
            .. "Exif\0\0MM\0*"u8, 0, 0, 0, 8, 0, 1,
            0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0,
            0, 0, 0, 0,
        ];
        return [.. jpeg[..2], 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, .. jpeg[2..]];
    }
}
