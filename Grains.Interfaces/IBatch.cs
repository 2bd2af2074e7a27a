namespace Emu3.Grains.Interfaces;

/// <summary>
/// The record of one batch. A gateway writes it before it answers, and whichever looks at it next goes on with what is not finished. Every reply reports
/// durable state. Key: <see cref="BatchId"/>.
/// </summary>
[Alias("emu3.IBatch")]
public interface IBatch : IGrainWithStringKey
{
    /// <summary>Keeps the batch, or gives the one that is there. Another request under the same id throws <see cref="IdempotencyConflictException"/>.</summary>
    [Alias("Create")] Task<BatchInfo> Create(BatchInfo batch);

    /// <summary>The batch, or null when there is none.</summary>
    [Alias("Find")] Task<BatchInfo?> Find();

    /// <summary>
    /// Who validates it: true for one at a time, until it has not claimed again for 30 s; false for all when nothing is left to validate.
    /// </summary>
    [Alias("Claim")] Task<bool> Claim(string claimant);

    /// <summary>Ends validation. The first stage that was reached stays. Null when there is no such batch.</summary>
    [Alias("Settle")] Task<BatchInfo?> Settle(BatchStage stage, IReadOnlyList<BatchError> errors, byte[] inlineItems, byte[] sampleCounts);

    /// <summary>Its owner wants no more of it; the first time counts. The job is the caller's to cancel. Null when there is no such batch.</summary>
    [Alias("Cancel")] Task<BatchInfo?> Cancel();

    /// <summary>
    /// More outcomes were counted, behind <paramref name="after"/>. Where another number is counted already, that stands: the order of lines never changes.
    /// Gives the batch as it then is; null when there is no such batch.
    /// </summary>
    [Alias("Count")] Task<BatchInfo?> Count(long after, BatchUsage usage);

    /// <summary>The output file was measured, or the error file; null: it is not that large any more. Nothing where there is no such batch.</summary>
    [Alias("Measure")] Task Measure(bool isErrors, BatchFileSize? size);

    /// <summary>The output file is deleted, or the error file. False when there is no such batch. Idempotent.</summary>
    [Alias("DeleteFile")] Task<bool> DeleteFile(bool isErrors);

    /// <summary>Forgets the batch. Idempotent.</summary>
    [Alias("Remove")] Task Remove();
}
