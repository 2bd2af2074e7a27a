namespace Emu3.Grains.Interfaces;

/// <summary>Where a job stands. Only <see cref="Completed"/>, <see cref="Cancelled"/> and <see cref="Aborted"/> are terminal, and one of them is reached once an attempt.</summary>
public enum JobStatus
{
    /// <summary>Items are still arriving.</summary>
    Open = 0,

    /// <summary>Accepted; nothing has started.</summary>
    Queued = 1,
    Running = 2,
    Cancelling = 3,

    /// <summary>Every item ended; some may have failed.</summary>
    Completed = 4,
    Cancelled = 5,

    /// <summary>Never sealed: its submitter went away before all items had arrived.</summary>
    Aborted = 6,

    /// <summary>No item is given out until it is resumed; what ran was taken back, and goes on from its tokens.</summary>
    Paused = 7,
}

/// <summary>Items by where they stand; the five add up to the total.</summary>
[GenerateSerializer, Immutable, Alias("emu3.ItemCounts")]
public readonly record struct ItemCounts(
    [property: Id(0)] int Pending, [property: Id(1)] int Running, [property: Id(2)] int Done, [property: Id(3)] int Failed, [property: Id(4)] int Cancelled)
{
    public int Total => Pending + Running + Done + Failed + Cancelled;
    public int Ended => Done + Failed + Cancelled;

    public static ItemCounts operator +(ItemCounts a, ItemCounts b) => new(
        a.Pending + b.Pending, a.Running + b.Running, a.Done + b.Done, a.Failed + b.Failed, a.Cancelled + b.Cancelled);
}

/// <summary>A job as its owner sees it.</summary>
[GenerateSerializer, Immutable, Alias("emu3.JobSnapshot")]
public sealed record JobSnapshot
{
    [Id(0)] public required JobId Id { get; init; }
    [Id(1)] public required JobSpec Spec { get; init; }
    [Id(2)] public required JobStatus Status { get; init; }
    [Id(3)] public required ItemCounts Counts { get; init; }
    [Id(4)] public DateTimeOffset? StartedAt { get; init; }
    [Id(5)] public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Items ended in a second, over the last while; null before the first.</summary>
    [Id(6)] public double? ItemsPerSecond { get; init; }

    /// <summary>Time that the rest will take at that rate; null when unknown.</summary>
    [Id(7)] public TimeSpan? Eta { get; init; }

    /// <summary>Items that went on from tokens of an earlier lease.</summary>
    [Id(8)] public int ResumedCount { get; init; }

    /// <summary>As it stands now; <see cref="JobSpec.Priority"/> is what it was accepted with.</summary>
    [Id(9)] public JobPriority Priority { get; init; }

    /// <summary>Of a paused job.</summary>
    [Id(10)] public PauseReason PauseReason { get; init; }

    /// <summary>1, and one more with each time that its failed items were begun anew.</summary>
    [Id(11)] public int Attempt { get; init; } = 1;

    /// <summary>How it stands with the notice of its end; null where it names no webhook. In events of a job it may lag behind.</summary>
    [Id(12)] public WebhookState? Webhook { get; init; }

    public bool IsTerminal => Status is JobStatus.Completed or JobStatus.Cancelled or JobStatus.Aborted;
}

/// <summary>Why a job is paused.</summary>
public enum PauseReason
{
    None = 0,

    /// <summary>Someone asked for it.</summary>
    Requested = 1,

    /// <summary>More items failed than <see cref="JobSpec.MaxFailures"/> allows.</summary>
    TooManyFailures = 2,
}
