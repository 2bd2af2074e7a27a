using Emu3.Gateway.Batches;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Gateway.Batches;

[Trait("Suite", "Fast")]
public sealed class BatchRequestEndsTests
{
    [Fact]
    public void Layout_FindsTheLineOfEachItem()
    {
        var layout = new BatchLayout([2, 1, 3]);
        Assert.Equal([0, 0, 1, 2, 2, 2], Enumerable.Range(0, 6).Select(layout.LineOf));
        Assert.Equal([2, 1, 3], Enumerable.Range(0, 3).Select(layout.SampleCount));
        Assert.Equal(3, layout.LineCount(6));

        var plain = new BatchLayout([]);
        Assert.Equal((true, 41, 1, 50), (plain.IsOneEach, plain.LineOf(41), plain.SampleCount(41), plain.LineCount(50)));
    }

    [Fact]
    public void Request_EndsWithTheLastOfItsOutputs_AndHasThemInOrder()
    {
        var ends = new BatchRequestEnds(new([2, 3]));
        Assert.Empty(ends.Add(Done(4)));
        Assert.Empty(ends.Add(Done(1)));
        Assert.Empty(ends.Add(Done(2)));
        Assert.Equal([0, 1], ends.Add(Done(0)).Select(outcome => outcome.Item));
        Assert.Equal([2, 3, 4], ends.Add(Done(3)).Select(outcome => outcome.Item));
    }

    [Theory]
    [InlineData(ItemStatus.Failed)]
    [InlineData(ItemStatus.Cancelled)]
    public void Request_EndsOnceWithTheFirstThatIsNotDone(ItemStatus status)
    {
        var ends = new BatchRequestEnds(new([3]));
        Assert.Empty(ends.Add(Done(2)));
        Assert.Equal(1, Assert.Single(ends.Add(BatchTallyTests.Outcome(1, status))).Item);
        Assert.Empty(ends.Add(Done(0)));
        Assert.Empty(ends.Add(BatchTallyTests.Outcome(0, ItemStatus.Failed)));
    }

    private static ItemOutcome Done(int item) => BatchTallyTests.Outcome(item, ItemStatus.Done);
}
