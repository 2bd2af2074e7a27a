using CsCheck;
using Emu3.Grains.Workers;

namespace Emu3.Tests.Unit.Grains.Workers;

[Trait("Suite", "Fast")]
public sealed class PreemptionTests
{
    [Fact]
    public void Choose_TakesTheLeastAdvanced() =>
        Assert.Equal([1], Preemption.Choose([new(2, 50, 100), new(2, 10, 100), new(2, 30, 40)], [2], 0));

    [Fact]
    public void Choose_WithPlacesFree_TakesNobody() => Assert.Empty(Preemption.Choose([new(2, 50, 100)], [2], 2));

    [Fact]
    public void Choose_LeavesOneThatNeedNotGo() =>
        Assert.Equal([1], Preemption.Choose([new(1, 10, 100), new(2, 20, 100)], [2], 0));

    [Fact]
    public void Choose_ForWhatCanNotFind_TakesNobodysPlace() => Assert.Empty(Preemption.Choose([new(1, 10, 100)], [2], 0));

    [Fact]
    public void Choose_ForSeveral_ServesThoseThatCanBeServed() =>
        Assert.Equal([0, 1], Preemption.Choose([new(1, 10, 100), new(1, 20, 100)], [2, 2], 0));

    /// <summary>Enough gives way where enough there is, nobody for nothing, and nobody who is further than one that stays and would do as well.</summary>
    [Fact]
    public void Choose_IsEnough_AndNoMore() =>
        Gen.Select(Gen.Select(Gen.Int[1, 2], Gen.Int[0, 99]).Array[0, 12], Gen.Int[1, 2].Array[0, 4], Gen.Int[0, 3]).Sample((bulk, waiting, free) =>
        {
            var running = bulk.Select(item => new Preemption.Candidate(item.Item1, item.Item2, 100)).ToList();
            var chosen = Preemption.Choose(running, waiting, free);

            var freed = chosen.Sum(index => running[index].Slots);
            var attainable = free + running.Sum(item => item.Slots);
            var wanted = 0;
            foreach (var slots in waiting)
                if (wanted + slots <= attainable) wanted += slots;
            Assert.True(free + freed >= wanted);
            Assert.All(chosen, index => Assert.True(free + freed - running[index].Slots < wanted));
            foreach (var stays in Enumerable.Range(0, running.Count).Except(chosen))
                Assert.All(chosen, goes => Assert.True(running[goes].Progress <= running[stays].Progress || running[goes].Slots > running[stays].Slots));
        }, iter: 2000);
}
