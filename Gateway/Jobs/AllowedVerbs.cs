using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Jobs;

/// <summary>What a job's state allows, for whoever asked for something else. The job itself decides.</summary>
internal static class AllowedVerbs
{
    /// <summary>The verbs of the API.</summary>
    public static IReadOnlyList<string> Of(JobSnapshot job) => job switch
    {
        { Status: JobStatus.Cancelling } => ["cancel"],
        { Status: JobStatus.Cancelled or JobStatus.Aborted } => ["delete"],
        { Priority: JobPriority.Interactive, IsTerminal: true } => ["delete"],
        { Priority: JobPriority.Interactive } or { Status: JobStatus.Open } => ["cancel"],
        { Status: JobStatus.Completed } => ["retry_failed", "delete"],
        { Status: JobStatus.Paused } => ["resume", "retry_failed", "priority", "cancel"],
        _ => ["pause", "retry_failed", "priority", "cancel"],
    };
}
