using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Files;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Batches;

/// <summary>The files that the caller's batches give: output, errors, and each item's own. None of them is stored but the items'.</summary>
internal sealed class BatchFiles(ClusterCalls cluster, BatchReader batches)
{
    /// <summary>The file and what it comes of, or null when there is none (yet).</summary>
    public async Task<BatchFile?> Find(FileId id, CancellationToken cancellationToken)
    {
        if (id.Batch is not { } batch || await batches.Find(batch, cancellationToken) is not { Job: { } job } state) return null;
        if (id.Item is not { } item) return state.Files().FirstOrDefault(file => file.Id == id.Value) is { } told ? new(told, state, null) : null;
        if (item >= job.Counts.Total) return null;
        var key = job.Id.Shard(item / JobId.ItemsInShard);
        return await cluster.Repeat(() => cluster.Grain<IJobShard>(key).GetItem(item), cancellationToken) is { Status: ItemStatus.Done } outcome
            ? new(Describe(id, state, outcome), state, outcome)
            : null;
    }

    private static FileAnswer Describe(FileId id, BatchState batch, ItemOutcome outcome) => new()
    {
        Id = id.Value,
        Bytes = outcome.Result!.FileBytes,
        CreatedAt = batch.Card.CreatedAt.ToUnixTimeSeconds(),
        Filename = $"{FileName.Clean(outcome.Spec.Id)}.{(outcome.Spec.Image is { } image ? OutcomeAnswer.FormatOf(image.Format) : "txt")}",
        Purpose = FileAnswer.BatchOutput,
    };
}

/// <summary>A file of a batch.</summary>
/// <param name="Told">As the API tells it.</param>
/// <param name="Batch">Whose it is; it has a job.</param>
/// <param name="Item">The item that gave it; null of output and errors.</param>
internal sealed record BatchFile(FileAnswer Told, BatchState Batch, ItemOutcome? Item);
