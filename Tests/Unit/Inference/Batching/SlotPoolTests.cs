using CsCheck;
using Emu3.Inference.Batching;

namespace Emu3.Tests.Unit.Inference.Batching;

[Trait("Suite", "Fast")]
public sealed class SlotPoolTests
{
    [Fact]
    public void Pool_AnyTakesAndReturns_BringsTheBooksToZero() =>
        Gen.Select(Gen.Int[1, 9], Gen.Int[-9, 9].Array[0, 60]).Sample((count, moves) =>
        {
            var pool = new SlotPool(count);
            SortedSet<int> taken = [];
            foreach (var move in moves)
                if (move >= 0 && pool.FreeCount > 0)
                {
                    var lowest = Enumerable.Range(0, count).First(slot => !taken.Contains(slot));
                    Assert.Equal(lowest, pool.Take());
                    taken.Add(lowest);
                }
                else if (move < 0 && taken.Count > 0)
                {
                    var slot = taken.ElementAt(-move % taken.Count);
                    pool.Return(slot);
                    taken.Remove(slot);
                }
            foreach (var slot in taken)
                pool.Return(slot);
            Assert.Equal(count, pool.FreeCount);
        });

    [Fact]
    public void Pool_Misuse_IsRefused()
    {
        var pool = new SlotPool(1);
        Assert.Throws<InvalidOperationException>(() => pool.Return(0));
        pool.Take();
        Assert.Throws<InvalidOperationException>(() => pool.Take());
        Assert.Throws<InvalidOperationException>(() => pool.Return(1));
    }
}
