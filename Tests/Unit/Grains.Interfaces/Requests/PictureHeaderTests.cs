using System.Text.Json;
using CsCheck;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Inference.Vision;
using Emu3.Tests.Unit.Inference.Vision;
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

    /// <summary>Two parsers of one format must not disagree: what the decoder reads has the same format and size here, however the file is damaged.</summary>
    [Fact]
    public void TryRead_DamagedPhoto_AgreesWithTheDecoder()
    {
        var photos = CasePhotos.Names.Select(CasePhotos.Read).ToArray();
        Gen.Int[0, photos.Length - 1].Select(Gen.Int[0, 3], Gen.Int[0, 2047], Gen.Byte.Array[1, 6]).Sample((photo, kind, at, bytes) =>
        {
            var file = photos[photo];
            at %= Math.Min(file.Length, 700); // headers are near the beginning
            byte[] damaged = kind switch
            {
                0 => [.. file[..at], .. bytes, .. file[Math.Min(at + bytes.Length, file.Length)..]],
                1 => [.. file[..at], .. bytes, .. file[at..]],
                2 => [.. file[..at], .. file[Math.Min(at + bytes.Length, file.Length)..]],
                _ => [.. file[..2], .. Enumerable.Repeat((byte)(bytes[0] % 2 * 0xFF), bytes.Length), .. file[2..]],
            };
            try
            {
                var decoder = PictureFiles.ReadHeader(damaged);
                _ = PictureFiles.Decode(damaged, 1_000_000);
                Assert.True(PictureHeader.TryRead(damaged, out var header));
                Assert.Equal((decoder.Format.ToString(), decoder.Width, decoder.Height), (header.Kind.ToString(), header.Width, header.Height));
                Assert.Null(PictureReader.Refuse(damaged));
            }
            catch (PictureException)
            {
                // The decoder refuses it, so the header may say what it likes, and must not throw.
                _ = PictureReader.Refuse(damaged);
                _ = PictureKinds.LooksCut(damaged);
            }
        }, iter: 1_500);
    }

    [Fact]
    public void Read_DataUrlOfAPhoto_IsAccepted_WhateverTypeItNames()
    {
        foreach (var name in CasePhotos.Names.Where(name => CasePhotos.ExpectedOf(name) is not null))
        {
            var errors = new List<ItemError>();
            var url = JsonSerializer.SerializeToElement($"data:image/png;base64,{Convert.ToBase64String(CasePhotos.Read(name))}");
            Assert.NotNull(PictureReader.Read(url, "image", errors));
            Assert.Empty(errors);
        }
    }

    [Theory]
    [InlineData("really_html.jpg", "is not a PNG, JPEG, WebP, GIF or BMP picture.")]
    [InlineData("jpeg_cut_half.jpg", null)] // its header is there
    [InlineData("really_bmp.jpg", null)]
    [InlineData("really_gif.png", null)]
    public void Refuse_GoesByContent(string name, string? refusal) => Assert.Equal(refusal, PictureReader.Refuse(CasePhotos.Read(name)));

    [Theory]
    [InlineData(new byte[0], "is empty.")]
    [InlineData(new byte[] { 0, 0, 0, 24, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'h', (byte)'e', (byte)'i', (byte)'c' }, "is a HEIC picture; PNG, JPEG, WebP, GIF or BMP can be read: convert it first.")]
    [InlineData(new byte[] { 0, 0, 0, 24, (byte)'f', (byte)'t', (byte)'y', (byte)'p', (byte)'a', (byte)'v', (byte)'i', (byte)'f' }, "is an AVIF picture; PNG, JPEG, WebP, GIF or BMP can be read: convert it first.")]
    [InlineData(new byte[] { (byte)'I', (byte)'I', 42, 0, 8, 0, 0, 0 }, "is a TIFF picture; PNG, JPEG, WebP, GIF or BMP can be read: convert it first.")]
    [InlineData(new byte[] { (byte)'G', (byte)'I', (byte)'F', (byte)'8', (byte)'9', (byte)'a' }, "begins as a GIF picture, and its header is damaged or cut off.")]
    public void Refuse_NamesWhatItIs(byte[] file, string refusal) => Assert.Equal(refusal, PictureReader.Refuse(file));

    [Fact]
    public void TryRead_AnyPrefixOrAnyBytes_NeverThrows() =>
        Gen.Byte.Array[0, 64].Select(Gen.Int[0, 6]).Sample((bytes, kind) =>
        {
            byte[] start = kind switch
            {
                0 => [0xFF, 0xD8, 0xFF],
                1 => [.. "RIFF\0\0\0\0WEBPVP8 "u8],
                2 => [.. "RIFF\0\0\0\0WEBPVP8L"u8],
                3 => [.. "RIFF\0\0\0\0WEBPVP8X"u8],
                4 => [.. "GIF89a"u8],
                5 => [.. "BM"u8],
                _ => DataUrls.PngHeader(1, 1)[..16],
            };
            if (PictureHeader.TryRead([.. start, .. bytes], out var header)) Assert.True(header is { Width: > 0, Height: > 0 });
        });
}
