using Emu3.Silo;

namespace Emu3.Tests.Unit.Silo;

[Trait("Suite", "Fast")]
public sealed class LoadingAnnouncerTests
{
    [Theory]
    [InlineData(null, 60, null)]
    [InlineData(0.0, 60, null)]
    [InlineData(0.04, 60, null)] // too little to say anything
    [InlineData(0.25, 20, 60.0)]
    [InlineData(1.0, 60, 0.0)]
    public void RemainingOf_AShare_IsTheRestAtTheSamePace(double? share, double elapsed, double? remaining) =>
        Assert.Equal(remaining, LoadingAnnouncer.RemainingOf(share, TimeSpan.FromSeconds(elapsed))?.TotalSeconds);
}
