using System.Text;
using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Grains.Interfaces;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Jobs;

/// <summary>Reads jobs and their outcomes for the caller: what belongs to another is not there.</summary>
internal sealed class JobReader(ClusterCalls cluster, IBlobStore blobs, Caller caller)
{
    /// <summary>Shards that one page of items looks through: 16,384 items.</summary>
    private const int MaxShards = 64;

    /// <summary>The job, or null when there is none of that name.</summary>
    public async Task<JobSnapshot?> Find(string id, CancellationToken cancellationToken)
    {
        if (!JobId.TryParse(id, out var job)) return null;
        try
        {
            var snapshot = await cluster.Repeat(() => cluster.Grain<IGenerationJob>(job.Value).GetSnapshot(), cancellationToken);
            return snapshot.Spec.Tenant == caller.Tenant ? snapshot : null;
        }
        catch (JobNotFoundException)
        {
            return null;
        }
    }

    /// <summary>One item, or null when the job has none of that index.</summary>
    public async Task<ItemOutcome?> FindItem(JobId job, int item, CancellationToken cancellationToken)
    {
        var key = job.Shard(item / JobId.ItemsInShard);
        return await cluster.Repeat(() => cluster.Grain<IJobShard>(key).GetItem(item), cancellationToken);
    }

    /// <summary>Outcomes behind a cursor, shard by shard, and the cursor behind them.</summary>
    public async Task<(IReadOnlyList<ItemOutcome> Outcomes, JobCursor Next)> ReadOutcomes(
        JobSnapshot job, JobCursor after, int most, CancellationToken cancellationToken)
    {
        var outcomes = new List<ItemOutcome>();
        var seen = new List<int>();
        for (var shard = 0; shard * JobId.ItemsInShard < job.Counts.Total; shard++)
        {
            var from = after.Of(shard);
            seen.Add(from);
            var size = Math.Min(JobId.ItemsInShard, job.Counts.Total - shard * JobId.ItemsInShard);
            if ((from >= size && job.Attempt == 1) || outcomes.Count >= most) continue;
            var key = job.Id.Shard(shard);
            var read = await cluster.Repeat(() => cluster.Grain<IJobShard>(key).ReadOutcomes(from, most - outcomes.Count), cancellationToken);
            outcomes.AddRange(read);
            seen[shard] += read.Count;
        }
        while (seen.Count > 0 && seen[^1] == 0) seen.RemoveAt(seen.Count - 1);
        return (outcomes, new(seen));
    }

    /// <summary>
    /// Items in the order of their indices, whether they have ended or not, and where the next page begins; null behind the last one. Where a status is named, only
    /// those: so many shards are looked through in one call at most that it may give fewer than there are, and none.
    /// </summary>
    public async Task<(IReadOnlyList<ItemOutcome> Items, int? Next)> ReadItems(JobSnapshot job, int from, int most, ItemStatus? only, CancellationToken cancellationToken)
    {
        var items = new List<ItemOutcome>();
        var (at, lastShard) = (from, from / JobId.ItemsInShard + MaxShards);
        while (at < job.Counts.Total && items.Count < most && at / JobId.ItemsInShard < lastShard)
        {
            var (start, shard) = (at, at / JobId.ItemsInShard);
            var read = await cluster.Repeat(() => cluster.Grain<IJobShard>(job.Id.Shard(shard)).ReadItems(start, most - items.Count, only), cancellationToken);
            items.AddRange(read);
            at = read.Count > 0 ? read[^1].Item + 1 : (shard + 1) * JobId.ItemsInShard;
        }

        return (items, at < job.Counts.Total ? at : null);
    }

    /// <summary>An outcome as it is told: an answer's text is in its file.</summary>
    public async Task<OutcomeAnswer> Tell(ItemOutcome outcome, JobSnapshot job, CancellationToken cancellationToken)
    {
        var text = outcome is { Spec.Chat: not null, Status: ItemStatus.Done }
            ? await blobs.ReadAsync(KeyOf(outcome, job), cancellationToken) is { } file ? Encoding.UTF8.GetString(file) : null
            : null;
        return OutcomeAnswer.Of(outcome, job.Spec, text);
    }

    /// <summary>Where the file of a done item is.</summary>
    public static string KeyOf(ItemOutcome outcome, JobSnapshot job) => BlobKeys.Result(job.Spec.Tenant, job.Id, outcome.Item, outcome.Result!.FileHash);
}
