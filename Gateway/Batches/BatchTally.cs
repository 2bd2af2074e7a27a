using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Batches;

/// <summary>
/// What a batch's outcomes add up to. Of lines with several outputs it keeps a byte each: how many of them are done, and whether one failed; all other
/// lines are counted by the job.
/// </summary>
internal static class BatchTally
{
    private const byte HasFailed = 0x80;
    private const byte DoneCount = 0x7F;

    /// <summary>Adds outcomes to what was counted before; they come behind all of these in the batch's order.</summary>
    /// <param name="before">So far.</param>
    /// <param name="read">Of some shards, those that come next.</param>
    /// <param name="layout">The batch's.</param>
    public static BatchUsage Add(BatchUsage before, IReadOnlyList<(int Shard, IReadOnlyList<ItemOutcome> Outcomes)> read, BatchLayout layout)
    {
        var news = read.Where(one => one.Outcomes.Count > 0).ToList();
        if (news.Count == 0) return before;
        var seen = new int[Math.Max(before.Counted.Seen.Count, news.Max(one => one.Shard) + 1)];
        for (var shard = 0; shard < seen.Length; shard++) seen[shard] = before.Counted.Of(shard);
        var order = before.Order.ToList();
        foreach (var (shard, outcomes) in news)
        {
            seen[shard] += outcomes.Count;
            if (order.Count > 0 && order[^1].Shard == shard) order[^1] = new(shard, order[^1].Count + outcomes.Count);
            else order.Add(new(shard, outcomes.Count));
        }

        var all = news.SelectMany(one => one.Outcomes).ToList();
        return new(new(seen), before.OutcomeCount + all.Count,
            before.InputTokens + all.Sum(outcome => (long)(outcome.Result?.PromptTokens ?? 0)),
            before.OutputTokens + all.Sum(outcome => (long)(outcome.Result?.GeneratedTokens ?? 0)))
        {
            Order = order,
            Lines = layout.IsOneEach ? [] : AddToLines(before.Lines, all, layout),
        };
    }

    /// <summary>Requests that ran, by how they ended. One is done when all of its outputs are, and failed when one of them did.</summary>
    public static (int Completed, int Failed) Count(BatchUsage usage, BatchLayout layout)
    {
        var (completed, failed) = (0, 0);
        for (var line = 0; line < usage.Lines.Length; line++)
        {
            if (layout.SampleCount(line) == 0) continue; // refused: never an outcome's
            if ((usage.Lines[line] & DoneCount) == layout.SampleCount(line)) completed++;
            else if ((usage.Lines[line] & HasFailed) != 0) failed++;
        }

        return (completed, failed);
    }

    private static byte[] AddToLines(byte[] before, IReadOnlyList<ItemOutcome> outcomes, BatchLayout layout)
    {
        var lines = new byte[layout.LineCount(0)];
        before.CopyTo(lines, 0);
        foreach (var outcome in outcomes)
        {
            var line = layout.LineOf(outcome.Item);
            if (outcome.Status == ItemStatus.Done) lines[line]++;
            else if (outcome.Status == ItemStatus.Failed) lines[line] |= HasFailed;
        }

        return lines;
    }
}
