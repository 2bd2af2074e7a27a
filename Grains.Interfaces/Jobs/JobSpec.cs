namespace Emu3.Grains.Interfaces;

/// <summary>What holds for a whole job, resolved when it is accepted and never changed.</summary>
[GenerateSerializer, Immutable, Alias("emu3.JobSpec")]
public sealed record JobSpec
{
    [Id(0)] public required string Tenant { get; init; }

    /// <summary>Name of the model that runs it.</summary>
    [Id(1)] public required string Model { get; init; }

    /// <summary><see cref="ModelInfo.WeightsHash"/> at acceptance: seeds mean nothing for other weights.</summary>
    [Id(2)] public required string WeightsHash { get; init; }
    [Id(3)] public required JobPriority Priority { get; init; }

    /// <summary>Items without a seed of their own derive theirs from it.</summary>
    [Id(4)] public required ulong Seed { get; init; }
    [Id(5)] public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Free text pairs of the submitter.</summary>
    [Id(6)] public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary><see cref="ModelInfo.SpatialFactor"/> at acceptance, so that sizes can be told in pixels when no worker is up.</summary>
    [Id(7)] public int SpatialFactor { get; init; }

    /// <summary>Failed items that the job goes on with; one more pauses it. Null: any number.</summary>
    [Id(8)] public int? MaxFailures { get; init; }

    /// <summary>Id of the key that made it, for the usage ledger; null where none was asked for.</summary>
    [Id(9)] public string? KeyId { get; init; }

    /// <summary>W3C traceparent of the submission, so that items are part of its trace wherever and whenever they run; null: it was not traced.</summary>
    [Id(10)] public string? TraceParent { get; init; }

    /// <summary>Until when the submitter wants it. A target: nothing ends at it, and a job that will miss it is told of.</summary>
    [Id(11)] public DateTimeOffset? DueAt { get; init; }

    /// <summary>Of an interactive job whose request has an <c>Idempotency-Key</c>: key of the <see cref="IRequestKey"/> that is told when the job goes.</summary>
    [Id(12)] public string? RequestKey { get; init; }

    /// <summary>Where its end is told; null: nowhere.</summary>
    [Id(13)] public string? Webhook { get; init; }

    /// <summary>Of a batch that reports its invalid lines: how many lines of its file are not in the job, which count as failed requests of the batch.</summary>
    [Id(14)] public int RefusedLineCount { get; init; }
}

/// <summary>Who goes first.</summary>
public enum JobPriority
{
    /// <summary>Someone waits at the other end: one item, not kept for long, cancelled when nobody asks any more.</summary>
    Interactive = 0,
    High = 1,
    Normal = 2,
    Low = 3,
}
