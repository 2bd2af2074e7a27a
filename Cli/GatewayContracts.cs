using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Cli;

/// <summary>A job as the gateway tells it.</summary>
internal sealed record JobInfo
{
    public required string Id { get; init; }
    public required string Status { get; init; }
    public string? Model { get; init; }
    public string? Priority { get; init; }

    /// <summary><c>requested</c> or <c>too_many_failures</c>, of a paused job.</summary>
    public string? PauseReason { get; init; }

    /// <summary>Unix time.</summary>
    public long CreatedAt { get; init; }
    public required string Seed { get; init; }
    public required JobCounts Counts { get; init; }
    public double? ItemsPerSecond { get; init; }
    public double? EtaSeconds { get; init; }

    /// <summary>Outputs that went on inside, from tokens of an earlier process.</summary>
    public int ResumedInside { get; init; }
    public WebhookInfo? Webhook { get; init; }

    public bool IsPaused => Status == "paused";

    public bool HasEnded => Status is "completed" or "cancelled" or "aborted";
}

/// <summary>How it stands with the notice of a job's end.</summary>
/// <param name="Url">Whom it goes to.</param>
/// <param name="Status"><c>pending</c>, <c>delivered</c> or <c>failed</c>.</param>
/// <param name="Attempts">Tries so far.</param>
/// <param name="LastError">Why the last try failed.</param>
internal sealed record WebhookInfo(string Url, string Status, int Attempts, string? LastError)
{
    public override string ToString() =>
        $"{Url}: {Status}{(Attempts == 0 ? "" : $" after {Attempts} {(Attempts == 1 ? "try" : "tries")}")}{(LastError is null ? "" : $", the last: {LastError}")}";
}

/// <summary>Outputs by where they stand.</summary>
internal sealed record JobCounts(int Total, int Pending, int Running, int Done, int Failed, int Cancelled);

/// <summary>How one output ended.</summary>
internal sealed record Outcome
{
    /// <summary>Place in the job.</summary>
    public required int Index { get; init; }
    public required string Id { get; init; }
    public uint Sample { get; init; }
    public required string Status { get; init; }
    public string Seed { get; init; } = "0";
    public string Kind { get; init; } = "image";
    public string? Prompt { get; init; }
    public string? Question { get; init; }

    /// <summary>What the answer ends before.</summary>
    public IReadOnlyList<string>? Stop { get; init; }
    public string? NegativePrompt { get; init; }
    public double? GuidanceScale { get; init; }
    public double? Temperature { get; init; }
    public int? TopK { get; init; }
    public double? TopP { get; init; }
    public int? Width { get; init; }
    public int? Height { get; init; }
    public string? Format { get; init; }
    public long? FileBytes { get; init; }
    public string? FileSha256 { get; init; }
    public string? TokensSha256 { get; init; }
    public TokenCounts? Usage { get; init; }
    public string? FinishReason { get; init; }

    /// <summary>The answer to a question.</summary>
    public string? Text { get; init; }
    public string? NumericClass { get; init; }

    /// <summary>The device that finished it.</summary>
    public string? MadeBy { get; init; }
    public bool? Reproducible { get; init; }
    public OutcomeError? Error { get; init; }

    public bool IsPicture => Kind == "image";
    public bool IsDone => Status == "done";
}

internal sealed record TokenCounts(int PromptTokens, int CompletionTokens, int TotalTokens);

internal sealed record OutcomeError(string? Code, string? Message);

/// <summary>One event of a job. <see cref="Outcome"/> is set when an output ended; <see cref="IsLast"/> when no event follows.</summary>
internal sealed record FollowedEvent(string? Cursor, Outcome? Outcome, JobInfo? Job, bool IsLast);

/// <summary>What a job would take.</summary>
internal sealed record JobValidation
{
    public int Items { get; init; }
    public int Outputs { get; init; }

    /// <summary>Items count from 1.</summary>
    public IReadOnlyList<LineError> LineErrors { get; init; } = [];
    public PositionNeed? Positions { get; init; }
    public long? EstimatedBytes { get; init; }
    public double? EstimatedSeconds { get; init; }

    /// <summary><c>measured</c> on this machine, or <c>predicted</c>.</summary>
    public string? EstimateBasis { get; init; }
}

/// <summary>Cache positions: of the longest item, of all together, and what the model has.</summary>
internal sealed record PositionNeed(long Max, long Sum, long Limit);

/// <summary>A model that the gateway serves.</summary>
internal sealed record ServedModel(string Id, ModelInfo Info, bool IsLoaded, int Workers, int Slots);
