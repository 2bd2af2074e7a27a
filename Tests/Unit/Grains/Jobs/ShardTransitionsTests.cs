using CsCheck;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;

namespace Emu3.Tests.Unit.Grains.Jobs;

[Trait("Suite", "Fast")]
public sealed class ShardTransitionsTests
{
    private static readonly WorkerId s_a = new("127.0.0.1:1@1/cpu");
    private static readonly WorkerId s_b = new("127.0.0.1:2@1/cpu");
    private static readonly JobOrders s_first = JobOrders.First(JobPriority.Normal);
    private static readonly JobOrders s_cancel = s_first with { Revision = 9, IsCancelled = true };

    [Fact]
    public void Complete_Twice_TheFirstCounts()
    {
        var (state, _) = ShardTransitions.Acquire(Sealed(3), s_a, 2);

        var (done, first) = ShardTransitions.Complete(state, s_a, 0, 1, Result(1));
        var (again, second) = ShardTransitions.Complete(done, s_a, 0, 1, Result(2));

        Assert.Equal((ReportReply.Accepted, ReportReply.Duplicate), (first, second));
        Assert.Same(done, again);
        Assert.Equal(1, Assert.Single(again.Outcomes).Result!.FileBytes);
    }

    [Theory]
    [InlineData(1, true)] // another worker
    [InlineData(0, false)] // an older epoch
    [InlineData(2, false)] // an epoch that never was
    public void Complete_ByAnotherThanTheHolder_IsStale(int epoch, bool isOther)
    {
        var (state, _) = ShardTransitions.Acquire(Sealed(1), s_a, 1);

        var (after, reply) = ShardTransitions.Complete(state, isOther ? s_b : s_a, 0, epoch, Result(1));

        Assert.Equal(ReportReply.Stale, reply);
        Assert.Same(state, after);
    }

    [Fact]
    public void Complete_BeforeCancel_StaysDone_AfterIt_IsStale()
    {
        var (state, _) = ShardTransitions.Acquire(Sealed(2), s_a, 2);
        (state, _) = ShardTransitions.Complete(state, s_a, 0, 1, Result(1));

        state = ShardTransitions.Obey(state, s_cancel);
        var (_, reply) = ShardTransitions.Complete(state, s_a, 1, 1, Result(1));

        Assert.Equal(new ItemCounts(0, 0, 1, 0, 1), state.Counts);
        Assert.Equal(ReportReply.Stale, reply);
        Assert.Empty(ShardTransitions.Acquire(state, s_b, 5).Granted);
    }

    [Fact]
    public void SiloGone_WithProgress_CountsAgainstNothing()
    {
        var (state, _) = ShardTransitions.Acquire(Sealed(2), s_a, 2);

        state = ShardTransitions.SiloGone(state, s_a.Silo, item => item == 0, isSeen: true);

        Assert.Equal(new ItemCounts(2, 0, 0, 0, 0), state.Counts);
        Assert.Equal([0, 4], state.Items.Select(item => item.Suspicion));
    }

    [Fact]
    public void Item_ThatKillsItsWorkers_RunsAloneAfterTwo_AndIsPoisonAfterTheThird()
    {
        var state = Sealed(3);
        for (var death = 0; death < 2; death++)
        {
            (state, _) = ShardTransitions.Acquire(state, s_a, 1);
            state = ShardTransitions.SiloGone(state, s_a.Silo, _ => false, isSeen: true);
        }

        // The others go first; then it, by itself.
        (state, var granted) = ShardTransitions.Acquire(state, s_b, 5);
        Assert.Equal([1, 2], granted);
        (state, granted) = ShardTransitions.Acquire(state, s_a, 5);
        Assert.Equal([0], granted);
        Assert.True(state.Items[0].RunsAlone);

        state = ShardTransitions.SiloGone(state, s_a.Silo, _ => false, isSeen: true);

        Assert.Equal(FailureCode.Poisoned, Assert.Single(state.Outcomes).Failure!.Code);
        Assert.Equal(new ItemCounts(0, 2, 0, 1, 0), state.Counts);
    }

    [Fact]
    public void Item_UnderTenUnseenDeathsWithoutAnyProgress_IsNotYetPoison()
    {
        var state = Sealed(3);
        for (var death = 0; death < 10; death++)
        {
            (state, _) = ShardTransitions.Acquire(state, s_a, 3);
            state = ShardTransitions.SiloGone(state, s_a.Silo, _ => false, isSeen: false);
        }

        Assert.Empty(state.Outcomes);
    }

    [Fact]
    public void Item_UnderTwelveUnseenDeathsWithProgressBetween_IsNeverPoison()
    {
        var state = Sealed(1);
        for (var death = 0; death < 12; death++)
        {
            (state, _) = ShardTransitions.Acquire(state, s_a, 1);
            if (death % 3 == 2) (state, _) = ShardTransitions.Heartbeat(state, s_a, [new HeldItem(0, death + 1, 5, 4)]);
            state = ShardTransitions.SiloGone(state, s_a.Silo, _ => false, isSeen: false);
        }

        Assert.Empty(state.Outcomes);
        Assert.False(state.Items[0].RunsAlone);
    }

    [Fact]
    public void Release_GivesBackWithoutBlame()
    {
        var (state, _) = ShardTransitions.Acquire(Sealed(1), s_a, 1);

        Assert.Same(state, ShardTransitions.Release(state, s_b, [new HeldItem(0, 1, 0, 0)]));
        state = ShardTransitions.Release(state, s_a, [new HeldItem(0, 1, 0, 0)]);

        Assert.Equal(new ItemState(ItemStatus.Pending, 1, null, 0), state.Items[0]);
    }

    /// <summary>
    /// Any order of calls, late and repeated ones among them, and crashes that lose every decision since the last write, after which callers
    /// repeat what was not answered.
    /// </summary>
    [Fact]
    public void AnyInterleaving_LosesNothing_AndEndsEachItemOnce()
    {
        Gen.Select(Gen.Int[1, 12], Gen.Select(Gen.Int[0, 9], Gen.Int[0, 11], Gen.Int[0, 1], Gen.Int[1, 4]).Array[0, 120]).Sample((itemCount, steps) =>
        {
            WorkerId[] workers = [s_a, s_b];
            var durable = Sealed(itemCount);
            var current = durable;
            var leases = new List<(WorkerId Worker, int Item, int Epoch)>(); // all that were ever granted durably: late calls use old ones
            var told = new List<(int, long?, ItemFailure?)>(); // outcomes that a reader was told
            foreach (var (kind, item, who, count) in steps)
            {
                var lease = leases.Count == 0 ? (workers[who], item % itemCount, 1) : leases[(item * 7 + count) % leases.Count];
                switch (kind)
                {
                    case 0 or 1:
                        (current, var granted) = ShardTransitions.Acquire(current, workers[who], count);
                        Write();
                        leases.AddRange(granted.Select(index => (workers[who], index, current.Items[index].Epoch)));
                        break;
                    case 2 or 3:
                        (current, var reply) = ShardTransitions.Complete(current, lease.Item1, lease.Item2, lease.Item3, Result(count));
                        if (count == 1) break; // decided, not written: the next step may lose it
                        Write();
                        if (reply != ReportReply.Stale) Assert.True(durable.Items[lease.Item2].HasEnded);
                        break;
                    case 4:
                        (current, _) = ShardTransitions.Fail(current, lease.Item1, lease.Item2, lease.Item3, new(FailureCode.EngineFailed, "x"));
                        Write();
                        break;
                    case 5:
                        current = ShardTransitions.Release(current, lease.Item1, [new HeldItem(lease.Item2, lease.Item3, 0, 0)]);
                        break;
                    case 6:
                        current = ShardTransitions.SiloGone(current, workers[who].Silo, index => index % 2 == 0, count % 2 == 0);
                        break;
                    case 7:
                        var (next, dropped) = ShardTransitions.Heartbeat(current, lease.Item1, [new HeldItem(lease.Item2, lease.Item3, count, 0)]);
                        Assert.Equal(!ShardTransitions.Holds(current, lease.Item1, lease.Item2, lease.Item3), dropped.Count == 1);
                        current = ShardTransitions.TakeBack(next, [item % itemCount]);
                        break;
                    case 8:
                        current = ShardRow.From(durable).ToState(); // crash: what was decided since the last write is gone
                        break;
                    case 9 when count == 4 && item > 9:
                        current = ShardTransitions.Obey(current, s_cancel);
                        Write();
                        break;
                }

                Check(current);
            }

            // A worker that goes on to the end finishes the rest.
            if (!current.Orders.IsCancelled)
            {
                current = ShardTransitions.SiloGone(ShardTransitions.SiloGone(current, s_a.Silo, _ => true, true), s_b.Silo, _ => true, true);
                while (ShardTransitions.Acquire(current, s_a, 3) is { Granted.Count: > 0 } grant)
                {
                    current = grant.State;
                    foreach (var index in grant.Granted)
                    {
                        (current, var reply) = ShardTransitions.Complete(current, s_a, index, current.Items[index].Epoch, Result(9));
                        Assert.Equal(ReportReply.Accepted, reply);
                    }
                }
            }

            Write();
            Assert.Equal(itemCount, durable.Counts.Ended);
            Assert.Equal(Enumerable.Range(0, itemCount), durable.Outcomes.Select(outcome => outcome.Item).Order());

            void Write()
            {
                durable = current;
                var outcomes = durable.Outcomes.Select(outcome => (outcome.Item, outcome.Result?.FileBytes, outcome.Failure)).ToList();
                Assert.Equal(told, outcomes.Take(told.Count)); // what was told stays where it was
                told = outcomes;
            }

            void Check(ShardState state)
            {
                Assert.Equal(itemCount, state.Counts.Total);
                Assert.Equal(state.Counts.Ended, state.Outcomes.Length);
                Assert.Equal(state.Outcomes.Length, state.Outcomes.Select(outcome => outcome.Item).Distinct().Count());
                Assert.All(state.Items, entry => Assert.Equal(entry.Status == ItemStatus.Running, entry.Holder is not null));
            }
        }, iter: 2000);
    }

    [Fact]
    public void Row_KeepsEverything()
    {
        Gen.Select(Gen.Int[0, 256], Gen.Int[0, 4].Array[256], Gen.Int[0, 3]).Sample((itemCount, kinds, workers) =>
        {
            var state = Sealed(itemCount);
            for (var item = 0; item < itemCount; item++)
            {
                var worker = new WorkerId($"127.0.0.1:{item % (workers + 1)}@1/cpu");
                (state, _) = ShardTransitions.Acquire(state, worker, 1);
                state = kinds[item] switch
                {
                    0 => ShardTransitions.Complete(state, worker, item, 1, Result(item)).State,
                    1 => ShardTransitions.Fail(state, worker, item, 1, new(FailureCode.PromptTooLong, $"item {item}")).State,
                    _ => state,
                };
            }

            if (workers == 3) state = ShardTransitions.Obey(state, s_cancel);
            var read = ShardRow.From(state).ToState();

            Assert.Equal(state.Items, read.Items);
            Assert.Equal((state.IsSealed, state.Orders), (read.IsSealed, read.Orders));
            Assert.Equal(state.Outcomes.Select(outcome => (outcome.Item, outcome.Failure)), read.Outcomes.Select(outcome => (outcome.Item, outcome.Failure)));
            foreach (var (was, now) in state.Outcomes.Zip(read.Outcomes)) Assert.Equivalent(was.Result, now.Result, strict: true);
        }, iter: 50);
    }

    private static ShardState Sealed(int itemCount) => ShardTransitions.Seal(ShardState.Empty, itemCount, s_first);

    private static ItemResult Result(int number) => new()
    {
        FileHash = [.. Enumerable.Repeat((byte)number, 32)],
        TokensHash = [.. Enumerable.Repeat((byte)(number + 1), 32)],
        FileBytes = number,
        PromptTokens = number + 2,
        PromptImageTokens = number % 3,
        GeneratedTokens = number + 4,
        ResumedTokens = number % 5,
        CameToItsEnd = number % 2 == 0,
        IsReproducible = number % 3 == 0,
        NumericClass = "class " + (number % 2),
        MadeBy = "node/cuda:" + (number % 3),
    };
}
