using System.Diagnostics;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Jobs;

/// <summary>The span of a submission, from its first item to the durable job: what the items' spans are children of.</summary>
internal static class SubmissionTraces
{
    private static readonly ActivitySource s_source = new("Emu3.Gateway");

    /// <summary>What a job keeps of the trace that it is submitted in; null where nothing is traced.</summary>
    public static string? TraceParent => Activity.Current is { IdFormat: ActivityIdFormat.W3C } request ? request.Id : null;

    /// <summary>Begins the span; null when nobody listens. What is submitted within it has it as <see cref="TraceParent"/>.</summary>
    public static Activity? Start(JobId id, JobPriority priority) => s_source.StartActivity("submit job", ActivityKind.Producer)?
        .SetTag("emu3.job.id", id.Value).SetTag("emu3.job.priority", priority.ToString().ToLowerInvariant());
}
