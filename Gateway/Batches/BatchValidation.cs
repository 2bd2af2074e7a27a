using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Jobs;
using Emu3.Grains.Interfaces;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Batches;

/// <summary>
/// Makes a batch's job of its file, or its list of errors. Repeated from the start it makes the same job: its id is the batch's, its content the file's.
/// </summary>
internal sealed class BatchValidation(
    ClusterCalls cluster, JobIntake intake, ReportingSubmission reporting, RefusedLines refusedLines, IBlobStore blobs, Caller caller)
{
    private static readonly HashSet<int> s_none = [];

    /// <summary>True when the batch has left validation; false when the cluster can't say yet, as it has never had a model.</summary>
    public async Task<bool> Run(BatchInfo info, CancellationToken cancellationToken)
    {
        var latest = await cluster.Repeat(() => cluster.Grain<IBatch>(info.Id.Value).Find(), cancellationToken);
        if (latest is not { Stage: BatchStage.Validating }) return true;
        if (latest.CancelledAt is not null) return await Settle(info, BatchStage.Cancelled, [], null, cancellationToken);
        var check = new BatchCheck(info.Endpoint, info.ReportsInvalidLines ? int.MaxValue : BatchCheck.MaxErrors);
        try
        {
            await using (var file = await Open(info, cancellationToken))
            {
                if (file is null) return await Fail(info, [FileGone], cancellationToken);
                await foreach (var line in JobBody.ReadLines(file, cancellationToken))
                {
                    check.Add(line);
                    if (check.IsTooLong) break;
                }
            }

            if (check.LineCount == 0 || check.IsTooLong) return await Fail(info, check.Errors, cancellationToken);
            return info.ReportsInvalidLines ? await Report(info, check, cancellationToken) : await Submit(info, check, cancellationToken);
        }
        catch (MalformedBodyException malformed)
        {
            return await Fail(info, [new("invalid_json_line", check.LineCount + 1, malformed.Message, null)], cancellationToken);
        }
        catch (IdempotencyConflictException)
        {
            return await Fail(info, [new("changed_meanwhile", null,
                "The validation was interrupted, and models or their names have changed since: the same lines now mean something else. Make the batch again.", null)], cancellationToken);
        }
    }

    internal static BatchError FileGone { get; } = new("input_file_not_found", null, "input_file_id: the file was deleted, or has expired.", "input_file_id");

    private async Task<bool> Submit(BatchInfo info, BatchCheck check, CancellationToken cancellationToken)
    {
        await using var file = await Open(info, cancellationToken);
        if (file is null) return await Fail(info, [FileGone], cancellationToken);
        var isCheckOnly = check.Errors.Count > 0;
        var parts = BatchParts.Of(info, check.Model, file, s_none, cancellationToken);
        var (job, validation, refusal) = await intake.Take(
            parts, isCheckOnly ? default(JobId?) : info.Id.Job, isCheckOnly, new() { DueAt = BatchParts.DueAt(info) }, cancellationToken);
        if (refusal is { Status: >= 500 } or { RetryAfter: not null }) return false;
        if (job is not null) return await Settle(info, BatchStage.Accepted, [], check, cancellationToken);
        if ((validation?.LineErrors ?? refusal?.Body.LineErrors) is { } lines) return await Fail(info, BatchCheck.Merge(check.Errors, lines), cancellationToken);
        return await Fail(info, [.. check.Errors, new(refusal!.Body.Code ?? "invalid_request", null, refusal.Body.Message, refusal.Body.Param)], cancellationToken);
    }

    /// <summary>Bad lines are told in the error file, and the others run.</summary>
    private async Task<bool> Report(BatchInfo info, BatchCheck check, CancellationToken cancellationToken)
    {
        if (await reporting.Run(info, check, cancellationToken) is not { } result) return false;
        if (result.RefusedLines is not { } refused) return await Fail(info, result.Errors, cancellationToken);
        check.LeaveOut(refused);
        return await Settle(info, BatchStage.Accepted, [], check, cancellationToken);
    }

    private Task<bool> Fail(BatchInfo info, IReadOnlyList<BatchError> errors, CancellationToken cancellationToken) =>
        Settle(info, BatchStage.Failed, [.. errors.OrderBy(error => error.Line ?? 0).Take(BatchCheck.MaxErrors)], null, cancellationToken);

    /// <summary>A batch that was cancelled meanwhile has its job cancelled at once.</summary>
    private async Task<bool> Settle(BatchInfo info, BatchStage stage, IReadOnlyList<BatchError> errors, BatchCheck? check, CancellationToken cancellationToken)
    {
        var settled = await cluster.Repeat(() => cluster.Grain<IBatch>(info.Id.Value).Settle(stage, errors, check?.InlineItems ?? [], check?.SampleCounts ?? []), cancellationToken);
        if (settled is { Stage: BatchStage.Accepted, CancelledAt: not null })
            await cluster.Repeat(() => cluster.Grain<IGenerationJob>(info.Id.Job.Value).Cancel(), cancellationToken);
        if (info.ReportsInvalidLines && settled is { Stage: BatchStage.Failed or BatchStage.Cancelled }) await refusedLines.Delete(info, cancellationToken);
        return true;
    }

    private Task<Stream?> Open(BatchInfo info, CancellationToken cancellationToken) => blobs.OpenReadAsync(BlobKeys.File(caller.Tenant, info.InputFile), cancellationToken);
}
