using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Files;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Batches;

/// <summary>The files that the caller's batches give: output, errors, and each item's own. None of them is stored but the items'.</summary>
internal sealed class BatchFiles(ClusterCalls cluster, BatchReader batches, BatchLines lines, SignedAddresses addresses)
{
    /// <summary>The file and what it comes of, or null when there is none (yet, or any more).</summary>
    public async Task<BatchFile?> Find(FileId id, HttpRequest request, CancellationToken cancellationToken)
    {
        if (id.Batch is not { } batch || await batches.Find(batch, cancellationToken) is not { Job: { } job, AreFilesExpired: false } state) return null;
        if (id.Item is not { } item) return state.Files(addresses.StartOf(request)).FirstOrDefault(file => file.Id == id.Value) is { } told ? new(told, state, null) : null;
        if (item >= job.Counts.Total) return null;
        var key = job.Id.Shard(item / JobId.ItemsInShard);
        return await cluster.Repeat(() => cluster.Grain<IJobShard>(key).GetItem(item), cancellationToken) is { Status: ItemStatus.Done } outcome
            ? new(Describe(id, state, outcome), state, outcome)
            : null;
    }

    /// <summary>
    /// The file with its size, which is found out once: with the first reading to its end, or here. Pictures inside the lines are not read for that alone.
    /// </summary>
    public async Task<FileAnswer> Measure(BatchFile file, FileId id, HttpRequest request, CancellationToken cancellationToken)
    {
        var hasPictures = !id.IsErrors && file.Batch.Info.InlineItems.Length > 0;
        if (file is not { Item: null, Told.Bytes: null } || !file.Batch.HasEnded || hasPictures) return file.Told;
        await Write(file.Batch, id.IsErrors, request, Stream.Null, cancellationToken);
        return (await Find(id, request, cancellationToken))?.Told ?? file.Told;
    }

    /// <summary>Writes the lines that there are.</summary>
    public async Task Write(BatchState batch, bool isErrors, HttpRequest request, Stream target, CancellationToken cancellationToken)
    {
        var size = await lines.Write(batch, isErrors, request, target, cancellationToken);
        if (batch.HasEnded) await cluster.Repeat(() => cluster.Grain<IBatch>(batch.Info.Id.Value).Measure(isErrors, size), cancellationToken);
    }

    /// <summary>A picture is gone that may have been in the output.</summary>
    public Task Forget(BatchId batch, CancellationToken cancellationToken) =>
        cluster.Repeat(() => cluster.Grain<IBatch>(batch.Value).Measure(isErrors: false, null), cancellationToken);

    private static FileAnswer Describe(FileId id, BatchState batch, ItemOutcome outcome) => new()
    {
        Id = id.Value,
        Bytes = outcome.Result!.FileBytes,
        CreatedAt = batch.Info.CreatedAt.ToUnixTimeSeconds(),
        Filename = $"{FileName.Clean(outcome.Spec.Id)}{(batch.Layout.IsOneEach ? "" : $"-{outcome.Spec.SampleIndex}")}.{(outcome.Spec.Image is { } image ? OutcomeAnswer.FormatOf(image.Format) : "txt")}",
        Purpose = FileAnswer.BatchOutput,
    };
}

/// <summary>A file of a batch.</summary>
/// <param name="Told">As the API tells it.</param>
/// <param name="Batch">Whose it is; it has a job.</param>
/// <param name="Item">The item that gave it; null of output and errors.</param>
internal sealed record BatchFile(FileAnswer Told, BatchState Batch, ItemOutcome? Item);
