using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>Every decision of a job, as functions from state to state. A terminal status is set once and never left.</summary>
public static class JobTransitions
{
    /// <summary>Opens the job; the same spec again changes nothing.</summary>
    /// <exception cref="IdempotencyConflictException">It was opened with another spec, or deleted.</exception>
    public static JobState Open(JobState state, JobId id, JobSpec spec, DateTimeOffset now)
    {
        if (state.Spec is null && !state.IsDeleted) return state with { Spec = spec, Status = JobStatus.Open, OpenedAt = now };
        if (state.IsDeleted || !IsSame(state.Spec!, spec)) throw new IdempotencyConflictException(id.Value);
        return state;
    }

    /// <summary>Accepts the job; the same content again changes nothing.</summary>
    /// <exception cref="IdempotencyConflictException">It was sealed with other content.</exception>
    public static JobState Seal(JobState state, JobId id, int total, string contentHash)
    {
        if (state.Status == JobStatus.Open) return state with { Status = JobStatus.Queued, Total = total, ContentHash = contentHash };
        if (state.Total > 0 && (state.Total != total || state.ContentHash != contentHash)) throw new IdempotencyConflictException(id.Value);
        return state;
    }

    /// <summary>Takes in how its shards stand.</summary>
    public static JobState Progress(JobState state, ItemCounts counts, int resumedCount, DateTimeOffset now)
    {
        if (state.IsTerminal || state.Status == JobStatus.Open) return state;
        if (state.Status == JobStatus.Queued && counts.Running + counts.Ended > 0) state = state with { Status = JobStatus.Running, StartedAt = now };
        return counts.Ended < state.Total ? state : state with
        {
            Status = state.Status == JobStatus.Cancelling ? JobStatus.Cancelled : JobStatus.Completed,
            EndedAt = now,
            FinalCounts = counts,
            FinalResumedCount = resumedCount,
        };
    }

    /// <summary>Begins to end what has not ended. A job without items is cancelled at once.</summary>
    public static JobState Cancel(JobState state, DateTimeOffset now) => state.Status switch
    {
        JobStatus.Open => state with { Status = JobStatus.Cancelled, EndedAt = now },
        JobStatus.Queued or JobStatus.Running => state with { Status = JobStatus.Cancelling },
        _ => state,
    };

    /// <summary>Gives up an open job whose submitter is gone.</summary>
    public static JobState AbortIfForsaken(JobState state, TimeSpan openAtMost, DateTimeOffset now) =>
        state.Status == JobStatus.Open && now - state.OpenedAt > openAtMost
        ? state with { Status = JobStatus.Aborted, EndedAt = now }
        : state;

    /// <summary>Two tellings of one submission: everything but the time of arrival is equal.</summary>
    private static bool IsSame(JobSpec a, JobSpec b) =>
        a with { CreatedAt = b.CreatedAt, Metadata = b.Metadata } == b
        && a.Metadata.Count == b.Metadata.Count
        && a.Metadata.All(pair => b.Metadata.TryGetValue(pair.Key, out var value) && value == pair.Value);
}
