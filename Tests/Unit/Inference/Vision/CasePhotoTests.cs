using System.Security.Cryptography;
using Emu3.Inference.Vision;
using PictureHeader = Emu3.Grains.Interfaces.Requests.PictureHeader;

namespace Emu3.Tests.Unit.Inference.Vision;

/// <summary>Photos as they occur come out as Pillow's: the same bytes, or refused as well.</summary>
[Trait("Suite", "Fast")]
public sealed class CasePhotoTests
{
    private const long Limit = 1_000_000;

    public static TheoryData<string> Names => [.. CasePhotos.Names];

    [Theory, MemberData(nameof(Names))]
    public void Decode_Photo_GivesPillowsBytes_OrIsRefusedAsPillowDoes(string name)
    {
        var file = CasePhotos.Read(name);
        if (CasePhotos.ExpectedOf(name) is not { } expected)
        {
            Assert.Throws<PictureException>(() => PictureFiles.Decode(file, Limit));
            return;
        }
        var picture = PictureFiles.Decode(file, Limit);
        Assert.Equal((expected.Width, expected.Height), (picture.Width, picture.Height));
        Assert.Equal(expected.RgbSha256, Convert.ToHexStringLower(SHA256.HashData(picture.Rgb)));
        Assert.Equal((expected.Width, expected.Height), PictureFiles.ReadUprightSize(file, Limit));
    }

    [Theory, MemberData(nameof(Names))]
    public void Header_OfARequestsPicture_IsTheDecoders(string name)
    {
        var file = CasePhotos.Read(name);
        if (CasePhotos.ExpectedOf(name) is null)
            return;
        var decoder = PictureFiles.ReadHeader(file);
        Assert.True(PictureHeader.TryRead(file, out var header));
        Assert.Equal((decoder.Format.ToString(), decoder.Width, decoder.Height), (header.Kind.ToString(), header.Width, header.Height));
    }

    [Fact]
    public void Decode_Gray16_KeepsTheUpperByte_UnlikePillow()
    {
        // Pillow 13 cuts 16-bit gray off at 255, which is white nearly everywhere: the one deliberate difference.
        var picture = PictureFiles.Decode(CasePhotos.Read("png_gray16.png"), Limit);
        Assert.True(picture.Rgb.Distinct().Count() > 100);
        Assert.True(picture.Rgb.Chunk(3).All(pixel => pixel[0] == pixel[1] && pixel[1] == pixel[2]));
    }
}
