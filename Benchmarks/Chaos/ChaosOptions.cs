namespace Emu3.Benchmarks.Chaos;

/// <summary>What a chaos run is told.</summary>
internal sealed record ChaosOptions
{
    /// <summary>Of the plan of faults: the same seed on the same cluster gives the same plan.</summary>
    public required int Seed { get; init; }

    /// <summary>Faults to inject.</summary>
    public required int FaultCount { get; init; }

    /// <summary>Items to run at least; more are submitted when they run out before the faults do.</summary>
    public required int ItemCount { get; init; }

    /// <summary>Workers that have no model.</summary>
    public bool IsSimulated { get; init; }

    /// <summary>The tables are in a PostgreSQL server of the run's own instead of SQLite.</summary>
    public bool IsOnPostgres { get; init; }

    /// <summary>Mean time between two faults.</summary>
    public TimeSpan MeanGap { get; init; } = TimeSpan.FromSeconds(4);

    public int ControlCount { get; init; } = 2;
    public int WorkerCount { get; init; } = 3;
    public int GatewayCount { get; init; } = 2;

    /// <summary>Holds data and logs while it runs, and afterwards where it ended badly.</summary>
    public required string Folder { get; init; }
}
