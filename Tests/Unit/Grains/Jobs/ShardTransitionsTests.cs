using CsCheck;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;

namespace Emu3.Tests.Unit.Grains.Jobs;

[Trait("Suite", "Fast")]
public sealed class ShardTransitionsTests
{
    private static readonly WorkerId s_a = new("127.0.0.1:1@1/cpu");
    private static readonly WorkerId s_b = new("127.0.0.1:2@1/cpu");
    private static readonly DesiredState s_first = DesiredState.First(JobPriority.Normal);
    private static readonly DesiredState s_cancel = s_first with { Revision = 9, IsCancelled = true };

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

        state = ShardTransitions.Apply(state, s_cancel);
        var (_, reply) = ShardTransitions.Complete(state, s_a, 1, 1, Result(1));

        Assert.Equal(new ItemCounts(0, 0, 1, 0, 1), state.Counts);
        Assert.Equal(ReportReply.Stale, reply);
        Assert.Empty(ShardTransitions.Acquire(state, s_b, 5).Granted);
    }

    [Fact]
    public void SiloGone_WithProgress_CountsAgainstNothing()
    {
        var (state, _) = ShardTransitions.Acquire(Sealed(2), s_a, 2);

        state = ShardTransitions.SiloGone(state, s_a.Silo, item => item == 0, _ => true, isSeen: true);

        Assert.Equal(new ItemCounts(2, 0, 0, 0, 0), state.Counts);
        Assert.Equal([0, 4], state.Items.Select(item => item.Suspicion));
    }

    [Fact]
    public void Item_ThatKillsItsWorkers_RunsAloneAfterTwo_AndIsPoisonAfterTwoMore()
    {
        var state = Sealed(3);
        for (var death = 0; death < 2; death++)
        {
            (state, _) = ShardTransitions.Acquire(state, s_a, 1);
            state = ShardTransitions.SiloGone(state, s_a.Silo, _ => false, _ => true, isSeen: true);
        }

        // The others go first; then it, by itself.
        (state, var granted) = ShardTransitions.Acquire(state, s_b, 5);
        Assert.Equal([1, 2], granted);
        (state, granted) = ShardTransitions.Acquire(state, s_a, 5);
        Assert.Equal([0], granted);
        Assert.True(state.Items[0].RunsAlone);

        state = ShardTransitions.SiloGone(state, s_a.Silo, _ => false, _ => true, isSeen: true);
        Assert.Empty(state.Outcomes);
        (state, granted) = ShardTransitions.Acquire(state, s_a, 5);
        Assert.Equal([0], granted);
        state = ShardTransitions.SiloGone(state, s_a.Silo, _ => false, _ => true, isSeen: true);

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
            state = ShardTransitions.SiloGone(state, s_a.Silo, _ => false, _ => true, isSeen: false);
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
            state = ShardTransitions.SiloGone(state, s_a.Silo, _ => false, _ => true, isSeen: false);
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

    [Fact]
    public void Pause_TakesBackWhatRuns_GivesNothingOut_AndKeepsWhatEnded()
    {
        var (state, _) = ShardTransitions.Acquire(Sealed(3), s_a, 2);
        (state, _) = ShardTransitions.Complete(state, s_a, 0, 1, Result(1));

        var paused = ShardTransitions.Apply(state, s_first with { Revision = 2, IsPaused = true });

        Assert.Equal(new ItemCounts(2, 0, 1, 0, 0), paused.Counts);
        Assert.Empty(ShardTransitions.Acquire(paused, s_b, 5).Granted);
        Assert.Equal(ReportReply.Stale, ShardTransitions.Complete(paused, s_a, 1, 1, Result(1)).Reply);
        Assert.Same(paused, ShardTransitions.Apply(paused, s_first)); // a telling from before, come late
        var resumed = ShardTransitions.Apply(paused, s_first with { Revision = 3 });
        Assert.Equal([1, 2], ShardTransitions.Acquire(resumed, s_b, 5).Granted);
    }

    [Fact]
    public void Attempt_BeginsFailedItemsAnew_AndTheirOutcomesStay()
    {
        var (state, _) = ShardTransitions.Acquire(Sealed(3), s_a, 3);
        (state, _) = ShardTransitions.Fail(state, s_a, 1, 1, new(FailureCode.EngineFailed, "x"));
        (state, _) = ShardTransitions.Complete(state, s_a, 0, 1, Result(1));

        state = ShardTransitions.Apply(state, s_first with { Revision = 2, Attempt = 2 });
        Assert.Equal(new ItemCounts(1, 1, 1, 0, 0), state.Counts);
        Assert.Equal(ReportReply.Stale, ShardTransitions.Fail(state, s_a, 1, 1, new(FailureCode.EngineFailed, "x")).Reply); // told again
        (state, _) = ShardTransitions.Acquire(state, s_b, 1);
        (state, var reply) = ShardTransitions.Complete(state, s_b, 1, 2, Result(2));

        Assert.Equal(ReportReply.Accepted, reply);
        Assert.Equal([(1, ItemStatus.Failed), (0, ItemStatus.Done), (1, ItemStatus.Done)], state.Outcomes.Select(outcome => (outcome.Item, outcome.Status)));
        Assert.Equal(2, state.LastOutcomeOf(1)!.Result!.FileBytes);
        Assert.Null(state.LastOutcomeOf(2));
    }

    [Fact]
    public void SiloGone_UnderASuspectThatHadNotBegun_CountsNothing()
    {
        var state = Sealed(1);
        for (var death = 0; death < 30; death++)
        {
            (state, _) = ShardTransitions.Acquire(state, s_a, 1);
            state = ShardTransitions.SiloGone(state, s_a.Silo, _ => false, _ => false, isSeen: true);
        }

        Assert.Equal(1, state.Items[0].Suspicion);
    }

    [Fact]
    public void SiloGone_UnderItemsThatWaitedThere_CountsAQuarter()
    {
        var (state, _) = ShardTransitions.Acquire(Sealed(2), s_a, 2);

        state = ShardTransitions.SiloGone(state, s_a.Silo, _ => false, item => item != 1, isSeen: true);

        Assert.Equal([4, 1], state.Items.Select(item => item.Suspicion));
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

            if (workers == 3) state = ShardTransitions.Apply(state, s_cancel);
            var settled = state.Outcomes[..(state.Outcomes.Length / 2)];
            var read = ShardRow.From(state, settled.Length).ToState(OutcomePack.Unpack(OutcomePack.Pack(settled.AsSpan())));

            Assert.Equal(state.Items, read.Items);
            Assert.Equal((state.IsSealed, state.DesiredState), (read.IsSealed, read.DesiredState));
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
