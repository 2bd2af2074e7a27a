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
    public void Capacity_OfAFullWorker_StillNamesWhatWouldGiveWay()
    {
        Fill();

        Assert.Equal(new WorkerCapacity(0, 0, 3), _held.Capacity);
    }

    [Fact]
    public void InteractiveItem_ThatFindsNoSlot_HasTheLeastAdvancedGiveWay_AndStartsInItsPlace()
    {
        var bulk = Fill();
        bulk[0].Append(new int[30], null);
        bulk[1].Append(new int[10], null);
        bulk[2].Append(new int[20], null);
        var now = Add(isInteractive: true);

        Assert.Equal([bulk[1]], _held.StartWaiting());
        bulk[1].GiveBack();
        Assert.False(now.IsStarted);
        Assert.Empty(_held.StartWaiting()); // it is on its way out: no other need go

        bulk[1].HasFreedSlots = true;
        Assert.Empty(_held.StartWaiting());
        Assert.True(now.IsStarted);
    }

    [Fact]
    public void WhatGaveWay_IsNotAskedForAgain_UntilAPlaceBecomesFree()
    {
        var bulk = Fill();
        var now = Add(isInteractive: true, guidanceScale: 1);
        var yielded = Assert.Single(_held.StartWaiting());
        yielded.GiveBack();
        Leave(yielded);
        _held.StartWaiting();

        Assert.True(now.IsStarted);
        Assert.Equal((1, 0), (_held.Capacity.ItemCount, _held.Capacity.BulkItemCount));

        Leave(bulk.First(run => run != yielded));
        Assert.True(_held.Capacity.BulkItemCount > 0);
    }

    [Fact]
    public void Capacity_CountsWhatShardsWereAskedFor()
    {
        Assert.Equal(new WorkerCapacity(6, 5, 0), _held.Capacity);

        _held.Asked(4);
        Assert.Equal(new WorkerCapacity(2, 1, 0), _held.Capacity);

        _held.Asked(-4);
        Assert.Equal(new WorkerCapacity(6, 5, 0), _held.Capacity);
    }

    [Fact]
    public void Capacity_OfAFullWorker_LooksAheadToPicturesNearTheirEnd()
    {
        var bulk = Fill();
        var most = bulk[0].MaxTokens;
        bulk[0].Append(new int[most - (most / 10) - 2], null);
        Assert.Equal(0, _held.Capacity.ItemCount);

        bulk[0].Append(new int[2], null);
        Assert.True(bulk[0].IsNearItsEnd);
        Assert.Equal((1, 1), (_held.Capacity.ItemCount, _held.Capacity.BulkItemCount));

        // Its successor waits, and no other is asked for in its place.
        Add(isInteractive: false);
        Assert.Equal(0, _held.Capacity.ItemCount);
    }

    [Fact]
    public void ItemThatMustRunAlone_MakesTheWorkerAskForNothing()
    {
        Add(isInteractive: false, runsAlone: true);

        Assert.Equal(default, _held.Capacity);
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
