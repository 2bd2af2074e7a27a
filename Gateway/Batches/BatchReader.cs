using System.Runtime.CompilerServices;
using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Jobs;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Batches;

/// <summary>
/// Reads the caller's batches. Whatever another gateway left unfinished when it died (a validation, a cancelling) is taken up by whoever reads next.
/// </summary>
internal sealed class BatchReader(ClusterCalls cluster, JobReader jobs, BatchValidations validations, Caller caller)
{
    private const int AtOnce = 64;

    /// <summary>The batch, or null when there is none, or none of this tenant, or its job was deleted.</summary>
    public async Task<BatchState?> Find(BatchId id, CancellationToken cancellationToken)
    {
        if (await cluster.Repeat(() => cluster.Grain<IBatch>(id.Value).Find(), cancellationToken) is not { } info || info.Tenant != caller.Tenant) return null;
        if (info.Stage == BatchStage.Validating) validations.Begin(info);
        if (info.Stage != BatchStage.Accepted) return new(info, null, await FindNotice(info, cancellationToken));
        if (await jobs.Find(id.Job.Value, cancellationToken) is not { } job)
        {
            await Forget(info, cancellationToken);
            return null;
        }

        if (info.CancelledAt is not null && !job.IsTerminal && job.Status != JobStatus.Cancelling)
            job = await cluster.Repeat(() => cluster.Grain<IGenerationJob>(job.Id.Value).Cancel(), cancellationToken);
        return BatchState.At(cluster.Time.GetUtcNow(), info, job);
    }

    /// <summary>Of a batch without a job.</summary>
    private async Task<WebhookState?> FindNotice(BatchInfo info, CancellationToken cancellationToken)
    {
        if (info.Webhook is not { } url) return null;
        var told = info.Stage == BatchStage.Validating ? null
            : await cluster.Repeat(() => cluster.Grain<IWebhookDelivery>(IWebhookDelivery.KeyOf(info.Id.Job, 0)).Find(), cancellationToken);
        return told ?? new() { Url = url };
    }

    /// <summary>A page of batches, newest first.</summary>
    /// <param name="after">It begins behind this one; null for the newest.</param>
    /// <param name="limit">Batches at most.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<(IReadOnlyList<BatchState> Batches, bool HasMore)> List(BatchInfo? after, int limit, CancellationToken cancellationToken)
    {
        var batches = new List<BatchState>();
        await foreach (var batch in ListBehind(after is null ? null : EntryOf(after), Math.Min(limit + 1, AtOnce), cancellationToken))
        {
            if (batches.Count == limit) return (batches, true);
            batches.Add(batch);
        }

        return (batches, false);
    }

    /// <summary>All batches, newest first, a few at a time.</summary>
    public IAsyncEnumerable<BatchState> ListAll(CancellationToken cancellationToken) => ListBehind(null, AtOnce, cancellationToken);

    /// <summary>Its owner wants no more of it: what has not ended is cancelled.</summary>
    public async Task<BatchState?> Cancel(BatchState batch, CancellationToken cancellationToken)
    {
        if (batch.HasEnded) return batch;
        await cluster.Repeat(() => cluster.Grain<IBatch>(batch.Info.Id.Value).Cancel(), cancellationToken);
        return await Find(batch.Info.Id, cancellationToken);
    }

    /// <summary>One of its two files is shown no more. What is in it stays with the job.</summary>
    public Task<bool> DeleteFile(BatchId id, bool isErrors, CancellationToken cancellationToken) =>
        cluster.Repeat(() => cluster.Grain<IBatch>(id.Value).DeleteFile(isErrors), cancellationToken);

    private async IAsyncEnumerable<BatchState> ListBehind(CatalogEntry? after, int atOnce, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            var from = after;
            var entries = await cluster.Repeat(() => cluster.Grain<IJobCatalog>(IJobCatalog.BatchesOf(caller.Tenant)).List(from, atOnce), cancellationToken);
            foreach (var batch in await Task.WhenAll(entries.Select(entry => Find(BatchId.Of(entry.Job), cancellationToken))))
                if (batch is not null) yield return batch;
            if (entries.Count < atOnce) yield break;
            after = entries[^1];
        }
    }

    /// <summary>The job was deleted, and the batch goes with it.</summary>
    private async Task Forget(BatchInfo info, CancellationToken cancellationToken)
    {
        await cluster.Repeat(() => cluster.Grain<IJobCatalog>(IJobCatalog.BatchesOf(info.Tenant)).Remove(info.Id.Job, info.CreatedAt), cancellationToken);
        await cluster.Repeat(() => cluster.Grain<IBatch>(info.Id.Value).Remove(), cancellationToken);
    }

    private static CatalogEntry EntryOf(BatchInfo info) => new(info.Id.Job, info.CreatedAt);
}
