namespace Emu3.Benchmarks.Chaos;

/// <summary>What can be done to a cluster.</summary>
internal enum FaultKind
{
    /// <summary>SIGKILL of a process.</summary>
    Kill,

    /// <summary>SIGTERM of a process, which then drains.</summary>
    Terminate,

    /// <summary>SIGSTOP, and SIGCONT before the others take it for dead.</summary>
    ShortFreeze,

    /// <summary>SIGSTOP, and SIGCONT after the others have taken it for dead: it comes back as a zombie.</summary>
    LongFreeze,

    /// <summary>SIGKILL of every process at once.</summary>
    KillAll,

    /// <summary>A silo is cut off from the other silos, while the store and the gateways still reach it.</summary>
    NetworkCut,

    /// <summary>Nothing can be written to the data folder for a while.</summary>
    FullDisk,

    /// <summary>The database is stopped at once and started again.</summary>
    DatabaseRestart,
}

/// <summary>One fault of a plan.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Target">Name of the process; empty where the fault is nobody's own.</param>
/// <param name="Gap">Time since the fault before.</param>
/// <param name="Duration">How long it lasts; zero where it is over at once.</param>
internal sealed record Fault(FaultKind Kind, string Target, TimeSpan Gap, TimeSpan Duration);
