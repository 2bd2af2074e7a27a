namespace Emu3.Benchmarks.Fuzz;

/// <summary>What a fuzz run is told.</summary>
internal sealed record FuzzOptions
{
    /// <summary>Requests between two clearings: what they made is then deleted, and made anew for the next ones.</summary>
    public const int RoundLength = 1_000;

    /// <summary>Request i is a function of this and of i.</summary>
    public required int Seed { get; init; }

    /// <summary>Requests to send.</summary>
    public required int RequestCount { get; init; }

    /// <summary>Only this request is sent, and told in full; null for all.</summary>
    public int? Only { get; init; }

    /// <summary>Requests on their way at once.</summary>
    public int ConnectionCount { get; init; } = 8;

    /// <summary>A request that has no answer by then hangs.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>Holds data, logs, and the first request of each kind of violation.</summary>
    public required string Folder { get; init; }
}
