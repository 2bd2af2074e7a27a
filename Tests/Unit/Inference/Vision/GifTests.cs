using Emu3.Inference.Vision;

namespace Emu3.Tests.Unit.Inference.Vision;

/// <summary>The first picture of a GIF comes out as Pillow's <c>convert("RGB")</c> makes it.</summary>
[Trait("Suite", "Fast")]
public sealed class GifTests
{
    private const long Limit = 10_000;

    private static readonly byte[] s_red = [200, 0, 0], s_green = [0, 200, 0], s_blue = [0, 0, 200], s_white = [250, 250, 250], s_black = [0, 0, 0];
    private static readonly byte[] s_palette = [.. s_red, .. s_green, .. s_blue, .. s_white];

    [Fact]
    public void Decode_TransparentPixel_HasTheColourOfItsEntry() =>
        AssertPixels([s_red, s_blue, s_white], HandmadeGif.Build(3, 1, s_palette, new HandmadeGif.Frame(0, 0, 3, 1, [0, 2, 3], Transparent: 2)));

    [Theory]
    [InlineData(null, 0)]
    [InlineData(3, 3)]
    public void Decode_PictureSmallerThanTheScreen_IsSurroundedByTheTransparentEntry_ElseTheFirst(int? transparent, int surroundings)
    {
        var around = s_palette[(3 * surroundings)..(3 * surroundings + 3)];
        AssertPixels(
            [around, around, around, around, around, s_blue, s_green, around],
            HandmadeGif.Build(4, 2, s_palette, new HandmadeGif.Frame(1, 1, 2, 1, [2, 1], Transparent: (byte?)transparent)));
    }

    [Fact]
    public void Decode_PictureBeyondTheScreen_GrowsIt()
    {
        var file = HandmadeGif.Build(1, 1, s_palette, new HandmadeGif.Frame(1, 0, 2, 1, [2, 1]));
        AssertPixels([s_red, s_blue, s_green], file);
        Assert.Equal(new PictureHeader(SourceFormat.Gif, 3, 1), PictureFiles.ReadHeader(file));
    }

    [Fact]
    public void Decode_IndexBeyondThePalette_IsBlack() => AssertPixels([s_green, s_black], HandmadeGif.Build(2, 1, s_palette, new HandmadeGif.Frame(0, 0, 2, 1, [1, 200])));

    [Fact]
    public void Decode_WithoutAPalette_OrWithOneOfGrays_IsGray()
    {
        var frame = new HandmadeGif.Frame(0, 0, 2, 1, [1, 200]);
        AssertPixels([[1, 1, 1], [200, 200, 200]], HandmadeGif.Build(2, 1, null, frame));
        AssertPixels([[1, 1, 1], [200, 200, 200]], HandmadeGif.Build(2, 1, [0, 0, 0, 1, 1, 1], frame));
    }

    [Fact]
    public void Decode_LocalPalette_GoesBeforeTheSharedOne() =>
        AssertPixels([s_white, s_red], HandmadeGif.Build(2, 1, s_palette, new HandmadeGif.Frame(0, 0, 2, 1, [0, 1], Palette: [.. s_white, .. s_red])));

    [Fact]
    public void Decode_Animation_IsItsFirstPicture() => AssertPixels(
        [s_red, s_green],
        HandmadeGif.Build(2, 1, s_palette, new HandmadeGif.Frame(0, 0, 2, 1, [0, 1]), new HandmadeGif.Frame(0, 0, 2, 1, [2, 2])));

    [Fact]
    public void Decode_CutOrEmpty_IsRefused()
    {
        var file = HandmadeGif.Build(40, 30, s_palette, new HandmadeGif.Frame(0, 0, 40, 30, new byte[1200]));
        for (var length = file.Length - 40; length > 0; length -= 37)
            Assert.Throws<PictureException>(() => PictureFiles.Decode(file.AsSpan(0, length), Limit));
        Assert.Contains("no picture", Assert.Throws<PictureException>(() => PictureFiles.Decode(HandmadeGif.Build(3, 3, s_palette), Limit)).Message, StringComparison.Ordinal);
        Assert.Throws<PictureException>(() => PictureFiles.Decode(HandmadeGif.Build(3, 3, s_palette, new HandmadeGif.Frame(0, 0, 0, 0, [])), Limit));
    }

    [Fact]
    public void Decode_HugeScreen_IsRefusedBeforeAnythingIsAllocated()
    {
        var file = HandmadeGif.Build(60_000, 60_000, s_palette, new HandmadeGif.Frame(0, 0, 1, 1, [0]));
        Assert.Contains("60000×60000", Assert.Throws<PictureException>(() => PictureFiles.Decode(file, Limit)).Message, StringComparison.Ordinal);
    }

    private static void AssertPixels(byte[][] expected, byte[] file) => Assert.Equal(expected.SelectMany(pixel => pixel), PictureFiles.Decode(file, Limit).Rgb);
}
