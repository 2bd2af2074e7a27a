using Emu3.Gateway.Batches;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Gateway.Batches;

[Trait("Suite", "Fast")]
public sealed class BatchTallyTests
{
    private static readonly BatchUsage s_none = new(JobCursor.Start, 0, 0, 0);

    internal static ItemOutcome Outcome(int item, ItemStatus status) => new()
    {
        Item = item,
        Status = status,
        Spec = new() { Id = $"{item}", Seed = 1, Sampling = new(1, 0, 1) },
        Failure = status == ItemStatus.Failed ? new(FailureCode.EngineFailed, "sick") : null,
        Result = status != ItemStatus.Done ? null : new()
        {
            FileHash = [],
            FileBytes = 1,
            PromptTokens = 2,
            GeneratedTokens = 3,
            TokensHash = [],
            CameToItsEnd = true,
            NumericClass = "x",
            IsReproducible = true,
        },
    };

    [Fact]
    public void Order_IsThatOfCounting_WithRunsOfOneShardTogether()
    {
        var layout = new BatchLayout([]);
        var first = BatchTally.Add(s_none, [(0, [Outcome(0, ItemStatus.Done)]), (1, [Outcome(256, ItemStatus.Done)])], layout);
        var second = BatchTally.Add(first, [(0, []), (1, [Outcome(257, ItemStatus.Failed)])], layout);
        var third = BatchTally.Add(second, [(0, [Outcome(1, ItemStatus.Done), Outcome(2, ItemStatus.Done)])], layout);

        Assert.Equal([new OutcomeRun(0, 1), new(1, 2), new(0, 2)], third.Order);
        Assert.Equal([3, 2], third.Counted.Seen);
        Assert.Equal((5, 8, 12), (third.OutcomeCount, third.InputTokens, third.OutputTokens));
        Assert.Empty(third.Lines);
    }

    [Fact]
    public void Lines_ThatWereRefused_HaveNoItems_AndAreCountedByNobodyElse()
    {
        var layout = new BatchLayout([0, 0, 1, 0, 2, 0, 0]);
        Assert.Equal((7, 5, false, false), (layout.LineCount(3), layout.RefusedCount, layout.IsOneEach, layout.IsOneAtMost));
        Assert.Equal([2, 4, 4], Enumerable.Range(0, 3).Select(layout.LineOf));
        Assert.True(new BatchLayout([0, 1, 1]).IsOneAtMost);
        Assert.Equal([1, 2], Enumerable.Range(0, 2).Select(new BatchLayout([0, 1, 1]).LineOf));

        var usage = BatchTally.Add(s_none, [(0, [Outcome(0, ItemStatus.Done), Outcome(1, ItemStatus.Failed)])], layout);
        Assert.Equal((1, 1), BatchTally.Count(usage, layout));
    }

    [Fact]
    public void Requests_WithSeveralOutputs_AreDoneWhenAllAre_AndFailedWhenOneIs()
    {
        var layout = new BatchLayout([2, 1, 3, 2]);
        var usage = BatchTally.Add(s_none, [(0, [Outcome(0, ItemStatus.Done), Outcome(2, ItemStatus.Done), Outcome(4, ItemStatus.Failed), Outcome(6, ItemStatus.Done)])], layout);
        Assert.Equal((1, 1), BatchTally.Count(usage, layout));

        // Both samples of the first, the rest of the third, and nothing more of the last.
        usage = BatchTally.Add(usage, [(0, [Outcome(1, ItemStatus.Done), Outcome(3, ItemStatus.Done), Outcome(5, ItemStatus.Done), Outcome(7, ItemStatus.Cancelled)])], layout);
        Assert.Equal((2, 1), BatchTally.Count(usage, layout));

        // What failed is begun anew, and comes to its end.
        usage = BatchTally.Add(usage, [(0, [Outcome(4, ItemStatus.Done)])], layout);
        Assert.Equal((3, 0), BatchTally.Count(usage, layout));
    }
}
