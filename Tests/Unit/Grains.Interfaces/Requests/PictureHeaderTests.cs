using CsCheck;
using Emu3.Inference.Vision;
using PictureHeader = Emu3.Grains.Interfaces.Requests.PictureHeader;

namespace Emu3.Tests.Unit.Grains.Interfaces.Requests;

[Trait("Suite", "Fast")]
public sealed class PictureHeaderTests
{
    [Theory]
    [InlineData("scene0.png")]
    [InlineData("alpha.png")]
    [InlineData("gray.png")]
    [InlineData("palette.png")]
    public void TryRead_RealPng_AgreesWithTheDecoder(string name)
    {
        var file = File.ReadAllBytes(Repository.PathTo("Tests", "Golden", "fixtures", "tiny-a", "images", name));
        var expected = PictureFiles.Decode(file, long.MaxValue);
        Assert.True(PictureHeader.TryRead(file, out var header));
        Assert.Equal((expected.Width, expected.Height), (header.Width, header.Height));
    }

    [Theory]
    [InlineData(PictureFormat.Png, 90)]
    [InlineData(PictureFormat.Jpeg, 90)]
    [InlineData(PictureFormat.Webp, 90)]
    [InlineData(PictureFormat.Webp, 100)]
    public void TryRead_EveryFormatWeWrite_GivesItsSize(PictureFormat format, int quality)
    {
        var picture = new Picture(37, 19, new byte[37 * 19 * 3]);
        foreach (var metadata in (string?[])[null, "recipe"])
        {
            Assert.True(PictureHeader.TryRead(PictureFiles.Encode(picture, format, quality, metadata), out var header));
            Assert.Equal((37, 19), (header.Width, header.Height));
        }
    }

    [Fact]
    public void TryRead_AnyPrefixOrAnyBytes_NeverThrows() =>
        Gen.Byte.Array[0, 64].Select(Gen.Int[0, 4]).Sample((bytes, kind) =>
        {
            byte[] start = kind switch
            {
                0 => [0xFF, 0xD8, 0xFF],
                1 => [.. "RIFF\0\0\0\0WEBPVP8 "u8],
                2 => [.. "RIFF\0\0\0\0WEBPVP8L"u8],
                3 => [.. "RIFF\0\0\0\0WEBPVP8X"u8],
                _ => DataUrls.PngHeader(1, 1)[..16],
            };
            if (PictureHeader.TryRead([.. start, .. bytes], out var header)) Assert.True(header is { Width: > 0, Height: > 0 });
        });
}
