using CsCheck;
using Emu3.Inference.Batching;

namespace Emu3.Tests.Unit.Inference.Batching;

[Trait("Suite", "Fast")]
public sealed class AttentionPlanTests
{
    private const int Block = 256;

    private static PlannedRow[] Rows(params (int Slot, int Position)[] rows) => [.. rows.Select(row => new PlannedRow(0, row.Position, row.Slot))];

    [Fact]
    public void Of_ARowInAThirdOfTheSlots_ReadsInPlace() =>
        Assert.Equal([new AttentionPart(0, 2, 3, IsInPlace: true)], AttentionPlan.Of(Rows((3, 7), (5, 600)), 6, Block, 100, 100));

    [Fact]
    public void Of_FewRowsAmongManySlots_CopiesTheirBlocks() =>
        Assert.Equal([new AttentionPart(0, 2, 3, IsInPlace: false)], AttentionPlan.Of(Rows((3, 7), (5, 600)), 7, Block, 100, 100));

    [Fact]
    public void Of_TwoRowsOfASlot_CopiesTheirBlocks() =>
        Assert.Equal([new AttentionPart(0, 3, 1, IsInPlace: false)], AttentionPlan.Of(Rows((0, 7), (0, 8), (1, 3)), 2, Block, 100, 100));

    [Fact]
    public void Of_MoreBlocksThanFit_CutsThem() => Assert.Equal(
        [new AttentionPart(0, 2, 2, IsInPlace: false), new AttentionPart(2, 1, 3, IsInPlace: false), new AttentionPart(3, 1, 1, IsInPlace: false)],
        AttentionPlan.Of(Rows((0, 300), (1, 3), (0, 600), (2, 0)), 100, Block, 4, 4));

    [Fact]
    public void Of_AnyRows_CoversEachOnceAndTakesNoMoreThanFits() =>
        Gen.Select(Gen.Select(Gen.Int[0, 12], Gen.Int[0, 5000]).Array[1, 150], Gen.Int[1, 40], Gen.Int[1, 40]).Sample((places, copied, inPlace) =>
        {
            PlannedRow[] rows = [.. places.Select(place => new PlannedRow(0, place.Item2, place.Item1))];
            var end = 0;
            foreach (var part in AttentionPlan.Of(rows, 13, Block, copied, inPlace))
            {
                Assert.Equal(end, part.Start);
                end += part.Count;
                var own = rows[part.Start..end];
                Assert.Equal(own.Max(row => row.Position) / Block + 1, part.BlockCount);
                Assert.True(part.IsInPlace ? 13 * part.BlockCount <= inPlace : part.Count == 1 || part.Count * part.BlockCount <= copied);
                if (part.IsInPlace)
                    Assert.Equal(own.Length, own.Select(row => row.Slot).Distinct().Count());
            }
            Assert.Equal(rows.Length, end);
        });
}
