using System.Text;
using Emu3.Inference.Vision;

namespace Emu3.Tests.Unit.Inference.Vision;

[Trait("Suite", "Fast")]
public sealed class PictureMetadataTests
{
    static readonly Picture Gradient = new(40, 30, [.. Enumerable.Range(0, 3 * 40 * 30).Select(at => (byte)(at * 7 / 5))]);

    public static TheoryData<PictureFormat, int, string> Texts()
    {
        var data = new TheoryData<PictureFormat, int, string>();
        foreach (var format in Enum.GetValues<PictureFormat>())
        {
            data.Add(format, 90, """{"prompt":"a big red star","seed":18446744073709551615}""");
            data.Add(format, 100, "Größe 90×90 — 一只猫 🐈 <b>&amp;\"quoted\"</b>\r\nsecond line\ttab ]]> end");
            data.Add(format, 90, "");
        }
        return data;
    }

    [Theory, MemberData(nameof(Texts))]
    public void Metadata_AnyFormat_ComesBackAndLeavesThePixels(PictureFormat format, int quality, string text)
    {
        var plain = PictureFiles.Encode(Gradient, format, quality);
        var file = PictureFiles.Encode(Gradient, format, quality, text);
        Assert.Equal(text, PictureMetadata.Read(file));
        Assert.Null(PictureMetadata.Read(plain));
        Assert.Equal(new PictureHeader(Enum.Parse<SourceFormat>(format.ToString()), 40, 30), PictureFiles.ReadHeader(file));
        Assert.Equal(PictureFiles.Decode(plain, 10_000).Rgb, PictureFiles.Decode(file, 10_000).Rgb);
    }

    [Fact]
    public void Metadata_InPng_IsAPlainTextChunkWhenAsciiIsEnough()
    {
        var file = Encoding.Latin1.GetString(PictureFiles.Encode(Gradient, PictureFormat.Png, metadata: "seed 7"));
        Assert.Contains("tEXtemu3\0seed 7", file, StringComparison.Ordinal);
    }

    [Fact]
    public void Metadata_TooLongForJpeg_IsRefusedWithTheLimitAndFitsTheOthers()
    {
        var text = new string('x', 70_000);
        Assert.Contains("65504", Assert.Throws<ArgumentException>(() => PictureFiles.Encode(Gradient, PictureFormat.Jpeg, metadata: text)).Message, StringComparison.Ordinal);
        Assert.Equal(text, PictureMetadata.Read(PictureFiles.Encode(Gradient, PictureFormat.Png, metadata: text)));
        Assert.Equal(text, PictureMetadata.Read(PictureFiles.Encode(Gradient, PictureFormat.Webp, metadata: text)));
    }

    [Theory]
    [InlineData(PictureFormat.Png, 0x0000)]
    [InlineData(PictureFormat.Jpeg, 0x0007)]
    [InlineData(PictureFormat.Png, 0xD83D)] // half a pair
    [InlineData(PictureFormat.Webp, 0xD83D)]
    public void Metadata_CharacterThatTheFileCannotHold_IsRefused(PictureFormat format, int character) =>
        Assert.ThrowsAny<ArgumentException>(() => PictureFiles.Encode(Gradient, format, metadata: $"before {(char)character} after"));

    [Fact]
    public void Read_DamagedFile_IsRefused()
    {
        Assert.Throws<PictureException>(() => PictureMetadata.Read("GIF89a"u8));
        foreach (var format in Enum.GetValues<PictureFormat>())
        {
            var file = PictureFiles.Encode(Gradient, format, metadata: new string('m', 200));
            var inText = file.AsSpan().IndexOf("mmmm"u8) + 10;
            Assert.Throws<PictureException>(() => PictureMetadata.Read(file.AsSpan(0, inText)));
        }
    }
}
