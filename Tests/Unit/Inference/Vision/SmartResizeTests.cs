using CsCheck;
using Emu3.Inference.Vision;

namespace Emu3.Tests.Unit.Inference.Vision;

[Trait("Suite", "Fast")]
public sealed class SmartResizeTests
{
    const int Min = 512 * 512, Max = 1024 * 1024;

    [Theory] // values of the reference implementation
    [InlineData(200, 200, 8, Min, Max, 512, 512)]
    [InlineData(50, 50, 8, Min, Max, 512, 512)]
    [InlineData(3000, 2000, 8, Min, Max, 1248, 832)]
    [InlineData(1, 150, 8, Min, Max, 48, 6272)]
    [InlineData(720, 720, 8, Min, Max, 720, 720)]
    [InlineData(716, 1284, 8, Min, Max, 720, 1280)]
    [InlineData(4, 4, 8, 1, 1_000_000_000, 8, 8)]
    [InlineData(12, 20, 8, 1, 1_000_000_000, 16, 16)]
    [InlineData(37, 53, 2, 256, 4096, 36, 52)]
    [InlineData(37, 53, 4, 256, 2304, 36, 52)]
    public void Fit_ReferenceCases_GiveTheReferenceSizes(int height, int width, int factor, long min, long max, int fittedHeight, int fittedWidth) =>
        Assert.Equal((fittedHeight, fittedWidth), SmartResize.Fit(height, width, factor, min, max, originalLayout: false));

    [Theory]
    [InlineData(1, 201, false, "201×1")] // over 200 to 1
    [InlineData(2010, 10, false, "10×2010")]
    [InlineData(100, 501, true, "501×100")] // over 5 to 1
    [InlineData(7, 20, true, "8 pixels")] // a side under the factor
    [InlineData(20, 7, true, "8 pixels")]
    public void Fit_ExtremeShape_IsRefusedWithItsSize(int height, int width, bool originalLayout, string named)
    {
        var refused = Assert.Throws<PictureException>(() => SmartResize.Fit(height, width, 8, Min, Max, originalLayout));
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fit_ReducedToNothing_KeepsOneFactorOnlyInTransformersLayout()
    {
        Assert.Equal((8, 312), SmartResize.Fit(10, 1000, 8, 1, 1000, originalLayout: false));
        Assert.Throws<PictureException>(() => SmartResize.Fit(12, 48, 8, 1, 100, originalLayout: true));
    }

    [Fact]
    public void Fit_AnyPicture_GivesMultiplesWithinTheLimits() =>
        Gen.Select(Gen.Int[1, 5000], Gen.Int[1, 5000], Gen.Int[1, 3].Select(power => 1 << power))
            .Where((height, width, _) => Math.Max(height, width) <= 20 * Math.Min(height, width))
            .Sample((height, width, factor) =>
            {
                var (fittedHeight, fittedWidth) = SmartResize.Fit(height, width, factor, Min, Max, originalLayout: false);
                Assert.Equal((0, 0), (fittedHeight % factor, fittedWidth % factor));
                Assert.InRange((long)fittedHeight * fittedWidth, Min, Max);
            });
}
