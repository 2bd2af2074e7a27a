using CsCheck;
using Emu3.Inference.Batching;

namespace Emu3.Tests.Unit.Inference.Batching;

[Trait("Suite", "Fast")]
public sealed class RowLayoutTests
{
    [Fact]
    public void Of_NeighboursWithOneRowEach_ReadsInPlace()
    {
        var layout = RowLayout.Of([.. new[] { 3, 2, 5, 4, 9 }.Select(slot => new PlannedRow(slot, 7, slot))]);
        Assert.Equal([new RowGroup(0, 4, 2, 7), new RowGroup(4, 1, -1, 7)], layout.Groups);
        Assert.Equal([2, 3, 4, 5, 9], layout.Rows.Select(row => row.Slot));
    }

    [Fact]
    public void Of_TwoRowsASlot_MakesTwoGroups()
    {
        var layout = RowLayout.Of([.. Enumerable.Range(0, 8).Select(i => new PlannedRow(0, 10 + i % 2, i / 2))]);
        Assert.Equal([new RowGroup(0, 4, 0, 10), new RowGroup(4, 4, 0, 11)], layout.Groups);
    }

    [Fact]
    public void Of_AnyRows_CoversEachOnceAndGroupsAreWhatTheySay() =>
        Gen.Int[0, 12].Array[1, 150].Sample(slots =>
        {
            var next = new Dictionary<int, int>();
            PlannedRow[] rows = [.. slots.Select(slot => new PlannedRow(0, next[slot] = next.GetValueOrDefault(slot, 30) + 1, slot))];
            var layout = RowLayout.Of(rows);
            Assert.Equal(Enumerable.Range(0, rows.Length), layout.Order.Order());
            Assert.Equal(layout.Order.Select(i => rows[i]), layout.Rows);
            var end = 0;
            foreach (var group in layout.Groups)
            {
                Assert.Equal(end, group.Start);
                end += group.Count;
                var own = layout.Rows.Skip(group.Start).Take(group.Count).ToArray();
                Assert.Equal(own.Max(row => row.Position), group.LastPosition);
                if (group.FirstSlot >= 0)
                    Assert.Equal(Enumerable.Range(group.FirstSlot, group.Count), own.Select(row => row.Slot));
            }
            Assert.Equal(rows.Length, end);
        });
}
