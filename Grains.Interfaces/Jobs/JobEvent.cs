namespace Emu3.Grains.Interfaces;

/// <summary>What a watcher of a job is told.</summary>
[GenerateSerializer, Immutable, Alias("emu3.JobEvent")]
public sealed record JobEvent
{
    /// <summary>Where to go on after this event.</summary>
    [Id(0)] public required JobCursor Cursor { get; init; }

    /// <summary>The job at the time of the event.</summary>
    [Id(1)] public required JobSnapshot Job { get; init; }

    /// <summary>The item that ended; null when this event only tells progress or the end of the job.</summary>
    [Id(2)] public ItemOutcome? Outcome { get; init; }

    /// <summary>The job has ended and every outcome was told: no event follows, unless its failed items are begun anew.</summary>
    [Id(3)] public bool IsLast { get; init; }
}

/// <summary>How one item ended.</summary>
[GenerateSerializer, Immutable, Alias("emu3.ItemOutcome")]
public sealed record ItemOutcome
{
    /// <summary>Index of the item in its job, in the order of submission.</summary>
    [Id(0)] public required int Item { get; init; }
    [Id(1)] public required ItemStatus Status { get; init; }
    [Id(2)] public required ItemSpec Spec { get; init; }

    /// <summary>Set when <see cref="Status"/> is Done.</summary>
    [Id(3)] public ItemResult? Result { get; init; }

    /// <summary>Set when <see cref="Status"/> is Failed.</summary>
    [Id(4)] public ItemFailure? Failure { get; init; }
}
