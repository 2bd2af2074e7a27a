using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>
/// Every decision of a job, as functions from state to state. A terminal status is set once an attempt; only a completed job is ever attempted again.
/// </summary>
public static class JobTransitions
{
    /// <summary>Opens the job; the same spec again changes nothing. What was deleted before it was ever accepted may be opened anew.</summary>
    /// <exception cref="IdempotencyConflictException">It was opened with another spec, or deleted.</exception>
    public static JobState Open(JobState state, JobId id, JobSpec spec, DateTimeOffset now)
    {
        if (state.Spec is null || state is { IsDeleted: true, Total: 0 })
            return new() { Spec = spec, Status = JobStatus.Open, OpenedAt = now, StoredDesiredState = DesiredState.First(spec.Priority) };
        if (state.IsDeleted || !IsSame(state.Spec, spec)) throw new IdempotencyConflictException(id.Value);
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
    /// <param name="state">The state before.</param>
    /// <param name="counts">All items of the job.</param>
    /// <param name="resumedCount">See <see cref="JobSnapshot.ResumedCount"/>.</param>
    /// <param name="isOfAttempt">Every shard has told of the present attempt. Before that, what has ended may be what is to be begun anew.</param>
    /// <param name="now">The time.</param>
    public static JobState Progress(JobState state, ItemCounts counts, int resumedCount, bool isOfAttempt, DateTimeOffset now)
    {
        if (state.IsTerminal || state.Status == JobStatus.Open) return state;
        if (state.Status == JobStatus.Queued && counts.Running + counts.Ended > 0) state = state with { Status = JobStatus.Running, StartedAt = now };
        if (!isOfAttempt) return state;
        if (counts.Ended >= state.Total)
        {
            return state with
            {
                Status = state.Status == JobStatus.Cancelling ? JobStatus.Cancelled : JobStatus.Completed,
                PauseReason = PauseReason.None,
                EndedAt = now,
                FinalCounts = counts,
                FinalResumedCount = resumedCount,
            };
        }

        return state.Status == JobStatus.Running && counts.Failed - state.ForgivenCount > state.Spec!.MaxFailures
            ? Paused(state, PauseReason.TooManyFailures)
            : state;
    }

    /// <summary>Begins to end what has not ended. A job without items is cancelled at once.</summary>
    public static JobState Cancel(JobState state, DateTimeOffset now) => state.Status switch
    {
        JobStatus.Open => state with { Status = JobStatus.Cancelled, EndedAt = now },
        JobStatus.Queued or JobStatus.Running or JobStatus.Paused => Ordered(
            state with { Status = JobStatus.Cancelling, PauseReason = PauseReason.None }, state.DesiredState with { IsCancelled = true, IsPaused = false }),
        _ => state,
    };

    /// <summary>Gives nothing out any more, and takes back what runs.</summary>
    /// <exception cref="InvalidJobVerbException">The job's state forbids it.</exception>
    public static JobState Pause(JobState state, JobId id)
    {
        ThrowUnlessUnderWay(state, id, "paused");
        return state.Status == JobStatus.Paused ? state : Paused(state, PauseReason.Requested);
    }

    /// <summary>Ends a pause.</summary>
    /// <param name="state">The state before.</param>
    /// <param name="id">The job.</param>
    /// <param name="failedCount">Failed items, which count no more against what is allowed.</param>
    /// <exception cref="InvalidJobVerbException">The job's state forbids it.</exception>
    public static JobState Resume(JobState state, JobId id, int failedCount)
    {
        ThrowUnlessUnderWay(state, id, "resumed");
        return state.Status == JobStatus.Paused ? Resumed(state, failedCount) : state;
    }

    /// <summary>Begins failed items anew. A pause that someone asked for goes on.</summary>
    /// <param name="state">The state before.</param>
    /// <param name="id">The job.</param>
    /// <param name="failedCount">Failed items.</param>
    /// <exception cref="InvalidJobVerbException">The job's state forbids it.</exception>
    public static JobState RetryFailed(JobState state, JobId id, int failedCount)
    {
        if (state.Status != JobStatus.Completed || state.Spec is { Priority: JobPriority.Interactive }) ThrowUnlessUnderWay(state, id, "begun anew");
        if (failedCount == 0) return state;
        if (state.Status == JobStatus.Completed)
            state = state with { Status = JobStatus.Running, EndedAt = null, FinalCounts = default, FinalResumedCount = 0 };
        if (state.PauseReason == PauseReason.TooManyFailures) state = Resumed(state, 0);
        // The last items of a paused job may end before its shards are told to pause: such a job is completed, and its desired state is still paused.
        return Ordered(state with { ForgivenCount = 0 }, state.DesiredState with { Attempt = state.DesiredState.Attempt + 1, IsPaused = state.Status == JobStatus.Paused });
    }

    /// <summary>Changes what goes before what.</summary>
    /// <exception cref="InvalidJobVerbException">The job's state forbids it, or there is no such priority for it.</exception>
    public static JobState SetPriority(JobState state, JobId id, JobPriority priority)
    {
        ThrowUnlessUnderWay(state, id, "given another priority");
        if (priority is not (JobPriority.High or JobPriority.Normal or JobPriority.Low))
            throw new InvalidJobVerbException($"Job {id} can't have priority {priority}; allowed are High, Normal and Low.");
        return state.DesiredState.Priority == priority ? state : Ordered(state, state.DesiredState with { Priority = priority });
    }

    /// <summary>Gives up an open job whose submitter is gone.</summary>
    public static JobState AbortIfForsaken(JobState state, TimeSpan openAtMost, DateTimeOffset now) =>
        state.Status == JobStatus.Open && now - state.OpenedAt > openAtMost
        ? state with { Status = JobStatus.Aborted, EndedAt = now }
        : state;

    /// <summary>From now on there is no such job; what is left of it is on its way out.</summary>
    /// <exception cref="InvalidJobVerbException">It has not ended.</exception>
    public static JobState Delete(JobState state, JobId id, DateTimeOffset now)
    {
        if (!state.IsTerminal) throw new InvalidJobVerbException($"Job {id} can't be deleted while it is {Name(state.Status)}; cancel it first.");
        return state.IsDeleted ? state : state with { IsDeleted = true, DeletedAt = now };
    }

    private static JobState Paused(JobState state, PauseReason reason) =>
        Ordered(state with { Status = JobStatus.Paused, PauseReason = reason }, state.DesiredState with { IsPaused = true });

    private static JobState Resumed(JobState state, int forgivenCount) => Ordered(
        state with { Status = state.StartedAt is null ? JobStatus.Queued : JobStatus.Running, PauseReason = PauseReason.None, ForgivenCount = forgivenCount },
        state.DesiredState with { IsPaused = false });

    private static JobState Ordered(JobState state, DesiredState desired) => state with { StoredDesiredState = desired with { Revision = state.DesiredState.Revision + 1 } };

    private static void ThrowUnlessUnderWay(JobState state, JobId id, string verb)
    {
        if (state.Spec is { Priority: JobPriority.Interactive })
            throw new InvalidJobVerbException($"Job {id} can't be {verb}: someone waits for its answer.");
        if (state.Status is not (JobStatus.Queued or JobStatus.Running or JobStatus.Paused))
            throw new InvalidJobVerbException($"Job {id} can't be {verb}: it is {Name(state.Status)}.");
    }

    private static string Name(JobStatus status) => status switch
    {
        JobStatus.Open => "not accepted yet",
        JobStatus.Cancelling => "being cancelled",
        _ => status.ToString().ToLowerInvariant(),
    };

    /// <summary>Two tellings of one submission: everything but the time of arrival, what was counted from it, the trace, and which key of its tenant was shown, is equal.</summary>
    private static bool IsSame(JobSpec a, JobSpec b) =>
        a with { CreatedAt = b.CreatedAt, Metadata = b.Metadata, KeyId = b.KeyId, TraceParent = b.TraceParent, DueAt = b.DueAt } == b
        && a.Metadata.Count == b.Metadata.Count
        && a.Metadata.All(pair => b.Metadata.TryGetValue(pair.Key, out var value) && value == pair.Value);
}
