using System.Runtime.CompilerServices;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Batches;

/// <summary>
/// Counts the outcomes of the caller's batches, and reads them in the order in which they were counted. That order is durable, and the same for every gateway:
/// what was read once stays where it was.
/// </summary>
internal sealed class BatchOutcomes(ClusterCalls cluster)
{
    /// <summary>Shards read at once: their outcomes are held together.</summary>
    private const int ShardsAtOnce = 16;

    /// <summary>
    /// The batch with its outcomes counted, all that there are now at least; it does not run after those that come meanwhile. What is counted once is not
    /// counted again.
    /// </summary>
    public async Task<BatchState> Count(BatchState batch, CancellationToken cancellationToken)
    {
        while (batch.Job is { } job && (batch.Info.Usage.OutcomeCount < job.Counts.Ended || job.Attempt > 1))
        {
            var before = batch.Info.Usage.OutcomeCount;
            var usage = await CountNew(batch, cancellationToken);
            if (usage.OutcomeCount == before) return batch;
            // Where another gateway has counted meanwhile, its order stands, and the rest is counted behind it.
            var stored = await cluster.Repeat(() => cluster.Grain<IBatch>(batch.Info.Id.Value).Count(before, usage), cancellationToken);
            if (stored is null) return batch;
            batch = batch with { Info = stored };
        }

        return batch;
    }

    private async Task<BatchUsage> CountNew(BatchState batch, CancellationToken cancellationToken)
    {
        var (job, usage) = (batch.Job!, batch.Info.Usage);
        var shardCount = (job.Counts.Total + JobId.ItemsInShard - 1) / JobId.ItemsInShard;
        foreach (var shards in Enumerable.Range(0, shardCount).Where(shard => usage.Counted.Of(shard) < JobId.ItemsInShard || job.Attempt > 1).Chunk(ShardsAtOnce))
        {
            var counted = usage.Counted;
            var read = await Task.WhenAll(shards.Select(shard =>
            {
                var (key, from) = (job.Id.Shard(shard), counted.Of(shard));
                return cluster.Repeat(() => cluster.Grain<IJobShard>(key).ReadOutcomes(from, JobId.ItemsInShard), cancellationToken);
            }));
            usage = BatchTally.Add(usage, [.. shards.Zip(read)], batch.Layout);
        }

        return usage;
    }

    /// <summary>All outcomes that are counted, in their order. Of an item that was begun anew only its last one comes.</summary>
    public async IAsyncEnumerable<ItemOutcome> Read(BatchState batch, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var job = batch.Job!;
        var last = job.Attempt > 1 ? await FindLast(job, batch.Info.Usage.Counted, cancellationToken) : null;
        var read = new Dictionary<int, int>();
        foreach (var run in batch.Info.Usage.Order)
        {
            var place = read.GetValueOrDefault(run.Shard);
            await foreach (var outcome in ReadShard(job, run.Shard, place, run.Count, cancellationToken))
                if (last is null || last[outcome.Item] == place++) yield return outcome;
            read[run.Shard] = read.GetValueOrDefault(run.Shard) + run.Count;
        }
    }

    /// <summary>The place in its shard of each item's last outcome.</summary>
    private async Task<Dictionary<int, int>> FindLast(JobSnapshot job, JobCursor counted, CancellationToken cancellationToken)
    {
        var last = new Dictionary<int, int>();
        for (var shard = 0; shard < counted.Seen.Count; shard++)
        {
            var place = 0;
            await foreach (var outcome in ReadShard(job, shard, 0, counted.Of(shard), cancellationToken)) last[outcome.Item] = place++;
        }

        return last;
    }

    private async IAsyncEnumerable<ItemOutcome> ReadShard(JobSnapshot job, int shard, int from, int count, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var key = job.Id.Shard(shard);
        for (var (place, end) = (from, from + count); place < end;)
        {
            var (at, most) = (place, Math.Min(JobId.ItemsInShard, end - place));
            var read = await cluster.Repeat(() => cluster.Grain<IJobShard>(key).ReadOutcomes(at, most), cancellationToken);
            if (read.Count == 0) yield break;
            foreach (var outcome in read) yield return outcome;
            place += read.Count;
        }
    }
}
