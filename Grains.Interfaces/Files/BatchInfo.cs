namespace Emu3.Grains.Interfaces;

/// <summary>What is known of a batch beside its job, which does the work and knows how far it is.</summary>
[GenerateSerializer, Immutable, Alias("emu3.BatchCard")]
public sealed record BatchInfo
{
    [Id(0)] public int SchemaVersion { get; init; } = 1;
    [Id(1)] public required BatchId Id { get; init; }
    [Id(2)] public required string Tenant { get; init; }
    [Id(3)] public required DateTimeOffset CreatedAt { get; init; }
    [Id(4)] public required FileId InputFile { get; init; }

    /// <summary>The one address that its lines may name.</summary>
    [Id(5)] public required string Endpoint { get; init; }

    /// <summary>As its owner wrote it: <c>24h</c>.</summary>
    [Id(6)] public required string Window { get; init; }
    [Id(7)] public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>What its owner should know: that it will take longer than the window. Null: nothing.</summary>
    [Id(8)] public string? Warning { get; init; }

    /// <summary>What has not ended by then is cancelled; null: it runs on until all is done.</summary>
    [Id(9)] public DateTimeOffset? ExpiresAt { get; init; }
    [Id(10)] public BatchStage Stage { get; init; }

    /// <summary>When <see cref="Stage"/> was reached; null while it is <see cref="BatchStage.Validating"/>.</summary>
    [Id(11)] public DateTimeOffset? StagedAt { get; init; }

    /// <summary>Of a failed batch: what is wrong.</summary>
    [Id(12)] public IReadOnlyList<BatchError> Errors { get; init; } = [];

    /// <summary>When its owner cancelled it, or it expired.</summary>
    [Id(13)] public DateTimeOffset? CancelledAt { get; init; }

    /// <summary>It was not its owner who cancelled it.</summary>
    [Id(14)] public bool IsExpired { get; init; }

    /// <summary>Lines, from 0, whose pictures are to be in the output itself: bit n of byte n/8. Empty: none.</summary>
    [Id(15)] public byte[] InlineItems { get; init; } = [];
    [Id(16)] public BatchUsage Usage { get; init; } = new(JobCursor.Start, 0, 0, 0);

    /// <summary>Its owner deleted the output file, or the error file.</summary>
    [Id(17)] public bool IsOutputDeleted { get; init; }
    [Id(18)] public bool AreErrorsDeleted { get; init; }

    /// <summary>The two name the same request.</summary>
    public bool IsSameRequest(BatchInfo other) =>
        InputFile == other.InputFile && Endpoint == other.Endpoint && Window == other.Window && Tenant == other.Tenant
        && OutputLife == other.OutputLife && Webhook == other.Webhook && ReportsInvalidLines == other.ReportsInvalidLines
        && Metadata.Count == other.Metadata.Count && Metadata.All(pair => other.Metadata.TryGetValue(pair.Key, out var value) && value == pair.Value);

    /// <summary>Whether the line's pictures are to be in the output itself.</summary>
    public bool IsInline(int line) => line / 8 < InlineItems.Length && (InlineItems[line / 8] >> (line % 8) & 1) == 1;

    /// <summary>Id of the key that it was made with, for the ledger; null where none was asked for.</summary>
    [Id(19)] public string? KeyId { get; init; }

    /// <summary>So long after the batch's end its output and error files are there; null: as long as its job.</summary>
    [Id(20)] public TimeSpan? OutputLife { get; init; }

    /// <summary>Outputs of each line; 0 of one that was refused. Empty: one of each.</summary>
    [Id(21)] public byte[] SampleCounts { get; init; } = [];

    /// <summary>What the output file was when it was last read to its end, after the batch's; null: not yet. So the next, of the error file.</summary>
    [Id(22)] public BatchFileSize? OutputSize { get; init; }
    [Id(23)] public BatchFileSize? ErrorSize { get; init; }

    /// <summary>Where its end is told; null: nowhere.</summary>
    [Id(24)] public string? Webhook { get; init; }

    /// <summary>A line that can't run is told in the error file, and the others run; else it fails the batch.</summary>
    [Id(25)] public bool ReportsInvalidLines { get; init; }
}

/// <summary>How far a batch is on its way to a job. All but the first are final.</summary>
public enum BatchStage
{
    /// <summary>Its file is looked through.</summary>
    Validating = 0,

    /// <summary>The job has all its items.</summary>
    Accepted = 1,

    /// <summary>Something is wrong; nothing runs.</summary>
    Failed = 2,

    /// <summary>It was cancelled before it had a job.</summary>
    Cancelled = 3,
}

/// <summary>One thing that is wrong with a batch.</summary>
/// <param name="Code">For a program.</param>
/// <param name="Line">Counted from 1, blank lines left out; null when it is the batch itself.</param>
/// <param name="Message">For a person.</param>
/// <param name="Param">Path of the field, or null.</param>
[GenerateSerializer, Immutable, Alias("emu3.BatchError")]
public sealed record BatchError(
    [property: Id(0)] string Code, [property: Id(1)] int? Line, [property: Id(2)] string Message, [property: Id(3)] string? Param);

/// <summary>What the outcomes that were counted so far add up to.</summary>
/// <param name="Counted">Which they were.</param>
/// <param name="OutcomeCount">How many.</param>
/// <param name="InputTokens">Of prompts.</param>
/// <param name="OutputTokens">Generated.</param>
[GenerateSerializer, Immutable, Alias("emu3.BatchUsage")]
public sealed record BatchUsage(
    [property: Id(0)] JobCursor Counted, [property: Id(1)] long OutcomeCount, [property: Id(2)] long InputTokens, [property: Id(3)] long OutputTokens)
{
    /// <summary>The order in which they were counted, which is that of the batch's lines: so many of a shard, behind those of it that came before.</summary>
    [Id(4)] public IReadOnlyList<OutcomeRun> Order { get => field ?? []; init; } = [];

    /// <summary>Where lines have several outputs, of each line how many are done, and in the highest bit whether one failed. Empty: none has.</summary>
    [Id(5)] public byte[] Lines { get => field ?? []; init; } = []; // the initial values are not those of rows from before the fields
}

/// <summary>Some outcomes of one shard.</summary>
[GenerateSerializer, Immutable, Alias("emu3.OutcomeRun")]
public readonly record struct OutcomeRun([property: Id(0)] int Shard, [property: Id(1)] int Count);

/// <summary>The size of a file that is written anew with each reading.</summary>
/// <param name="Bytes">Without the starts of addresses, which depend on who asks.</param>
/// <param name="AddressCount">Addresses in it.</param>
/// <param name="Attempt">Of the job that it was.</param>
[GenerateSerializer, Immutable, Alias("emu3.BatchFileSize")]
public sealed record BatchFileSize([property: Id(0)] long Bytes, [property: Id(1)] int AddressCount, [property: Id(2)] int Attempt);
