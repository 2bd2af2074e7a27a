using Emu3.Inference.Batching;

namespace Emu3.Tests.Unit.Inference.Batching;

[Trait("Suite", "Fast")]
public sealed class RowCountsTests
{
    [Fact]
    public void Sampled_AreMultiplesOfTheSmallestFloorAroundPowersOfTwo()
    {
        Assert.Equal([4, 8, 12, 16, 20, 24, 32, 36, 48, 64, 68, 96, 124, 128], RowCounts.Sampled);
        Assert.All(RowCounts.Floors, floor => Assert.Contains(floor, RowCounts.Sampled)); // a floor is never taken without having been tried
    }

    [Fact]
    public void SmallestFloor_NothingFailed_IsTheSmallest() => Assert.Equal(4, RowCounts.SmallestFloor([]));

    [Theory]
    [InlineData(12, 8)]
    [InlineData(8, 16)]
    [InlineData(96, 64)]
    [InlineData(64, 128)]
    public void SmallestFloor_OneCountFailed_IsTheFirstThatDoesNotDivideIt(int failed, int floor) =>
        Assert.Equal(floor, RowCounts.SmallestFloor([failed]));

    [Fact]
    public void SmallestFloor_TheComparedCountItselfFailed_IsNone() => Assert.Null(RowCounts.SmallestFloor([RowCounts.Most]));
}
