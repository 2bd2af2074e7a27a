using System.Text.Json;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Tests.Unit.Grains.Interfaces.Requests;

[Trait("Suite", "Fast")]
public sealed class LatentSizeTests
{
    [Theory]
    [InlineData("tiny-a")]
    [InlineData("tiny-b")]
    public void Of_EveryCaseOfTheReference_IsEqual(string fixture)
    {
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Repository.PathTo("Tests", "Golden", "fixtures", fixture, "cases.json")));
        var checkedCount = 0;
        foreach (var item in cases.RootElement.GetProperty("latent_size").EnumerateArray())
        {
            Assert.True(AspectRatio.TryParse(item.GetProperty("ratio").GetString(), out var ratio));
            var expected = item.GetProperty("size");
            Assert.Equal(
                new LatentSize(expected[0].GetInt32(), expected[1].GetInt32()),
                LatentSize.Of(ratio, item.GetProperty("area").GetInt32(), spatialFactor: 8));
            checkedCount++;
        }
        Assert.True(checkedCount > 30);
    }

    [Theory]
    [InlineData(720, 720, 90, 90)]
    [InlineData(736, 704, 88, 92)]     // whole cells, the model's area: as asked
    [InlineData(1024, 1024, 90, 90)]   // what clients send by habit: the model's own area
    [InlineData(512, 512, 90, 90)]
    [InlineData(1792, 1024, 68, 119)]
    [InlineData(721, 720, 90, 90)]
    public void OfPixels_AnySize_IsDrawnAtTheModelsArea(int width, int height, int latentHeight, int latentWidth) =>
        Assert.Equal(new LatentSize(latentHeight, latentWidth), LatentSize.OfPixels(new(width, height), modelArea: 518_400, spatialFactor: 8));

    [Fact]
    public void MinPositions_OfTheTrainedSize_FitsTheReleasedModel()
    {
        var size = new LatentSize(90, 90);
        Assert.Equal(8_193, size.GeneratedTokens);
        Assert.True(size.MinPositions < 9_216);
        Assert.Equal("720x720", size.InPixels(8));
    }

    [Theory]
    [InlineData("4:3", true)]
    [InlineData("1:100000", true)]
    [InlineData("0:1", false)]
    [InlineData("4:3:2", false)]
    [InlineData("-4:3", false)]
    [InlineData("4.5:3", false)]
    [InlineData("4 : 3", false)]
    [InlineData("4x3", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("99999999999999999999:1", false)]
    public void AspectRatio_Text_IsReadOrRefused(string? text, bool isRatio) => Assert.Equal(isRatio, AspectRatio.TryParse(text, out _));
}
