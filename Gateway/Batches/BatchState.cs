using System.Text;
using Emu3.Gateway.Contracts;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Batches;

/// <summary>Where a batch stands, made of its record and its job: nothing is kept that they know already.</summary>
/// <param name="Info">The record.</param>
/// <param name="Job">The job of an accepted batch; null of all others.</param>
/// <param name="Webhook">How it stands with the notice of its end; null where it names no webhook.</param>
internal sealed record BatchState(BatchInfo Info, JobSnapshot? Job, WebhookState? Webhook = null)
{
    private BatchLayout? _layout;

    /// <summary>Its files have had their time.</summary>
    public bool AreFilesExpired { get; init; }

    /// <summary>Which items come of which line.</summary>
    public BatchLayout Layout => _layout ??= new(Info.SampleCounts);

    /// <summary>When its files go by themselves; null while it runs, and when they stay as long as its job.</summary>
    public DateTimeOffset? FilesExpireAt => HasEnded && Job?.EndedAt is { } end && Info.OutputLife is { } life ? end + life : null;

    /// <summary>Requests by how they ended. Where lines have several outputs, as of the last counting.</summary>
    public (int Total, int Completed, int Failed) Requests
    {
        get
        {
            if (Job is null) return default;
            if (Layout.IsOneEach) return (Job.Counts.Total, Job.Counts.Done, Job.Counts.Failed);
            var (completed, failed) = Layout.IsOneAtMost ? (Job.Counts.Done, Job.Counts.Failed) : BatchTally.Count(Info.Usage, Layout);
            return (Layout.LineCount(Job.Counts.Total), completed, failed + Layout.RefusedCount);
        }
    }

    /// <summary>As it is at a time.</summary>
    public static BatchState At(DateTimeOffset now, BatchInfo info, JobSnapshot? job)
    {
        var state = new BatchState(info, job, job?.Webhook);
        return state with { AreFilesExpired = state.FilesExpireAt <= now };
    }

    public BatchStatus Status => Info.Stage switch
    {
        BatchStage.Failed => BatchStatus.Failed,
        BatchStage.Cancelled => Info.IsExpired ? BatchStatus.Expired : BatchStatus.Cancelled,
        BatchStage.Validating => Info.CancelledAt is null ? BatchStatus.Validating : BatchStatus.Cancelling,
        _ => StatusOf(Job!),
    };

    public bool HasEnded => Status is BatchStatus.Completed or BatchStatus.Failed or BatchStatus.Expired or BatchStatus.Cancelled;

    public DateTimeOffset? InProgressAt => Job is null ? null : Job.StartedAt ?? Info.StagedAt;

    public DateTimeOffset? CompletedAt => Status == BatchStatus.Completed ? Job!.EndedAt : null;

    public DateTimeOffset? FailedAt => Status == BatchStatus.Failed ? Job?.EndedAt ?? Info.StagedAt : null;

    public DateTimeOffset? ExpiredAt => Status == BatchStatus.Expired ? Job?.EndedAt ?? Info.StagedAt : null;

    public DateTimeOffset? CancellingAt => Status is BatchStatus.Cancelling or BatchStatus.Cancelled && !Info.IsExpired ? Info.CancelledAt ?? Job?.EndedAt : null;

    public DateTimeOffset? CancelledAt => Status == BatchStatus.Cancelled ? Job?.EndedAt ?? Info.StagedAt : null;

    /// <summary>The output file, as soon as it has a line.</summary>
    public FileId? OutputFile => Job is { Counts.Done: > 0 } && !Info.IsOutputDeleted && !AreFilesExpired ? FileId.OutputOf(Info.Id) : null;

    /// <summary>The error file, as soon as it has a line.</summary>
    public FileId? ErrorFile => Job is not null && ErrorCount > 0 && !Info.AreErrorsDeleted && !AreFilesExpired ? FileId.ErrorsOf(Info.Id) : null;

    /// <summary>Whether the item is told of in the error file: it failed, or its time was over. What its owner cancelled is told of nowhere.</summary>
    public bool IsError(ItemStatus status) => status == ItemStatus.Failed || (status == ItemStatus.Cancelled && Info.IsExpired);

    /// <summary>At the rate of the last while it will take longer than its window; or so it was when it was made.</summary>
    public string? WarningAt(DateTimeOffset now)
    {
        if (HasEnded) return null;
        if (Job?.Eta is not { } rest || !CompletionWindow.TryParse(Info.Window, out var window)) return Info.Warning;
        return now + rest > Info.CreatedAt + window ? BatchWarning.Of(Job.Counts.Total - Job.Counts.Ended, rest, Info.Window) : null;
    }

    /// <summary>Its two files, as far as they are there.</summary>
    /// <param name="start">What addresses in them begin with.</param>
    public IEnumerable<FileAnswer> Files(string start)
    {
        if (OutputFile is { } output) yield return Describe(output, "output", Info.OutputSize, start);
        if (ErrorFile is { } errors) yield return Describe(errors, "errors", Info.ErrorSize, start);
    }

    private int ErrorCount => Layout.RefusedCount + Job!.Counts.Failed + (Info.IsExpired ? Job.Counts.Cancelled : 0);

    private FileAnswer Describe(FileId file, string kind, BatchFileSize? size, string start) => new()
    {
        Id = file.Value,
        Bytes = HasEnded && size?.Attempt == Job!.Attempt ? size.Bytes + (long)size.AddressCount * Encoding.UTF8.GetByteCount(start) : null,
        ExpiresAt = FilesExpireAt?.ToUnixTimeSeconds(),
        CreatedAt = Info.CreatedAt.ToUnixTimeSeconds(),
        Filename = $"{Info.Id}_{kind}.jsonl",
        Purpose = FileAnswer.BatchOutput,
    };

    private BatchStatus StatusOf(JobSnapshot job) => job.Status switch
    {
        JobStatus.Completed => BatchStatus.Completed,
        JobStatus.Aborted => BatchStatus.Failed,
        JobStatus.Cancelled => Info.IsExpired ? BatchStatus.Expired : BatchStatus.Cancelled,
        JobStatus.Cancelling => Info.IsExpired ? BatchStatus.Finalizing : BatchStatus.Cancelling,
        _ when job.Counts.Total > 0 && job.Counts.Ended == job.Counts.Total => BatchStatus.Finalizing,
        _ when Info.CancelledAt is not null => Info.IsExpired ? BatchStatus.Finalizing : BatchStatus.Cancelling,
        _ => BatchStatus.InProgress,
    };
}

/// <summary>OpenAI's words for where a batch stands.</summary>
internal enum BatchStatus { Validating, Failed, InProgress, Finalizing, Completed, Expired, Cancelling, Cancelled }
