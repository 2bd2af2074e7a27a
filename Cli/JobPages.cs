namespace Emu3.Cli;

/// <summary>Jobs, newest first; <see cref="Next"/> asks for the following ones.</summary>
internal sealed record JobPage(IReadOnlyList<JobInfo> Data, string? Next);

internal sealed record WorkerPage(IReadOnlyList<WorkerInfo> Data);

/// <summary>A worker as the gateway tells it.</summary>
internal sealed record WorkerInfo
{
    public required string Device { get; init; }

    /// <summary><c>ready</c>, <c>loading</c> or <c>quarantined</c>.</summary>
    public required string Status { get; init; }

    /// <summary>How far it is, or why it gets no work.</summary>
    public string? Detail { get; init; }
    public string Model { get; init; } = "";
    public int? Slots { get; init; }
    public string? NumericClass { get; init; }
    public WorkerLoadInfo? Load { get; init; }
}

/// <summary>What an engine does now.</summary>
internal sealed record WorkerLoadInfo(int UsedSlots, int Running, int Waiting, long GeneratedTokens, double? ItemsPerSecond);
