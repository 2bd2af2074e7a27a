using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;
using Emu3.Tests.Cluster;

namespace Emu3.Tests.Unit.Grains.Workers;

[Trait("Suite", "Fast")]
public sealed class HeldItemsTests
{
    private readonly JobId _job = JobId.Draw();
    private int _number;

    // Eight slots of which one is kept, and room for two guided pictures that wait.
    private readonly HeldItems _held = new(new SlotBudget(8, 1, 4));

    [Fact]
    public void Appetite_OfAFullWorker_StillNamesWhatWouldGiveWay()
    {
        Fill();

        Assert.Equal(new WorkAppetite(0, 0, 3), _held.Appetite);
    }

    [Fact]
    public void InteractiveItem_ThatFindsNoSlot_HasTheLeastAdvancedGiveWay_AndStartsInItsPlace()
    {
        var batch = Fill();
        batch[0].Append(new int[30], null);
        batch[1].Append(new int[10], null);
        batch[2].Append(new int[20], null);
        var now = Add(isInteractive: true);

        Assert.Equal([batch[1]], _held.StartWaiting());
        batch[1].GiveBack();
        Assert.False(now.IsStarted);
        Assert.Empty(_held.StartWaiting()); // it is on its way out: no other need go

        batch[1].HasFreedSlots = true;
        Assert.Empty(_held.StartWaiting());
        Assert.True(now.IsStarted);
    }

    [Fact]
    public void WhatGaveWay_IsNotAskedForAgain_UntilAPlaceBecomesFree()
    {
        var batch = Fill();
        var now = Add(isInteractive: true, guidanceScale: 1);
        var yielded = Assert.Single(_held.StartWaiting());
        yielded.GiveBack();
        Leave(yielded);
        _held.StartWaiting();

        Assert.True(now.IsStarted);
        Assert.Equal((1, 0), (_held.Appetite.ItemCount, _held.Appetite.BatchItemCount));

        Leave(batch.First(run => run != yielded));
        Assert.True(_held.Appetite.BatchItemCount > 0);
    }

    [Fact]
    public void Appetite_CountsWhatShardsWereAskedFor()
    {
        Assert.Equal(new WorkAppetite(6, 5, 0), _held.Appetite);

        _held.Asked(4);
        Assert.Equal(new WorkAppetite(2, 1, 0), _held.Appetite);

        _held.Asked(-4);
        Assert.Equal(new WorkAppetite(6, 5, 0), _held.Appetite);
    }

    [Fact]
    public void Appetite_OfAFullWorker_LooksAheadToPicturesNearTheirEnd()
    {
        var batch = Fill();
        var most = batch[0].MostTokens;
        batch[0].Append(new int[most - (most / 10) - 2], null);
        Assert.Equal(0, _held.Appetite.ItemCount);

        batch[0].Append(new int[2], null);
        Assert.True(batch[0].IsNearItsEnd);
        Assert.Equal((1, 1), (_held.Appetite.ItemCount, _held.Appetite.BatchItemCount));

        // Its successor waits, and no other is asked for in its place.
        Add(isInteractive: false);
        Assert.Equal(0, _held.Appetite.ItemCount);
    }

    [Fact]
    public void ItemThatMustRunAlone_MakesTheWorkerAskForNothing()
    {
        Add(isInteractive: false, runsAlone: true);

        Assert.Equal(default, _held.Appetite);
    }

    /// <summary>Three pictures run, two wait.</summary>
    private List<ItemRun> Fill()
    {
        var runs = Enumerable.Range(0, 5).Select(_ => Add(isInteractive: false)).ToList();
        Assert.Empty(_held.StartWaiting());
        Assert.Equal([true, true, true, false, false], runs.Select(run => run.IsStarted));
        Add(isInteractive: true);
        Assert.Empty(_held.StartWaiting());
        return runs;
    }

    private ItemRun Add(bool isInteractive, bool runsAlone = false, double guidanceScale = 3)
    {
        var lease = new Lease { Item = _number, Epoch = 1, Spec = TestJobs.Image(_number, guidanceScale: guidanceScale), RunsAlone = runsAlone };
        _number++;
        var run = TestJobs.Run(lease, isInteractive: isInteractive, job: _job);
        Assert.Null(_held.Add(run, _ => Task.CompletedTask));
        return run;
    }

    private void Leave(ItemRun run)
    {
        run.HasFreedSlots = true;
        _held.Remove(run);
    }
}
