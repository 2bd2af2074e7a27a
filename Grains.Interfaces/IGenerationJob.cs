namespace Emu3.Grains.Interfaces;

/// <summary>
/// One job, from its first item to its only terminal event. Key: <see cref="JobId"/>.
/// Every reply reports durable state. An unknown job throws <see cref="JobNotFoundException"/>.
/// </summary>
[Alias("emu3.IGenerationJob")]
public interface IGenerationJob : IGrainWithStringKey
{
    /// <summary>Opens the job for items. Idempotent; another spec under the same id throws <see cref="IdempotencyConflictException"/>.</summary>
    [Alias("Open")] Task Open(JobSpec spec);

    /// <summary>
    /// All items have arrived: the job is accepted. Idempotent; another total or hash throws <see cref="IdempotencyConflictException"/>.
    /// </summary>
    /// <param name="total">Items, in shards of <see cref="JobId.ItemsInShard"/>.</param>
    /// <param name="contentHash">SHA-256 over the request, in hex.</param>
    [Alias("Seal")] Task<JobSnapshot> Seal(int total, string contentHash);

    /// <summary>Where the job stands.</summary>
    [Alias("GetSnapshot")] Task<JobSnapshot> GetSnapshot();

    /// <summary>
    /// Outcomes from the cursor on, then as they come, with progress between them, until the event that is last.
    /// Each outcome is told exactly once to a watcher that comes back with the cursor it had.
    /// </summary>
    [Alias("Watch")] IAsyncEnumerable<JobEvent> Watch(JobCursor cursor, CancellationToken cancellationToken = default);

    /// <summary>Ends all items that have not ended. Idempotent; a job that has ended stays as it is.</summary>
    [Alias("Cancel")] Task<JobSnapshot> Cancel();

    /// <summary>
    /// Gives nothing out until <see cref="Resume"/>; what runs is taken back and goes on from its tokens later. What has ended stays. Idempotent.
    /// Throws <see cref="InvalidJobVerbException"/> for an interactive job and for one that is not accepted yet, is being cancelled or has ended.
    /// </summary>
    [Alias("Pause")] Task<JobSnapshot> Pause();

    /// <summary>
    /// Ends a pause. Failures so far do not count against <see cref="JobSpec.MaxFailures"/> any more. Idempotent; throws like <see cref="Pause"/>.
    /// </summary>
    [Alias("ResumeJob")] Task<JobSnapshot> Resume();

    /// <summary>
    /// Begins every failed item anew, in a new attempt of the same job: one that was completed runs again, and so does one that paused itself over its
    /// failures. Outcomes told so far stay; an item's last one counts. Without failed items nothing changes. Throws like <see cref="Pause"/>,
    /// but not for a completed job.
    /// </summary>
    [Alias("RetryFailed")] Task<JobSnapshot> RetryFailed();

    /// <summary>
    /// Changes what goes before what, for all items that wait. Idempotent; throws like <see cref="Pause"/>, and for
    /// <see cref="JobPriority.Interactive"/>.
    /// </summary>
    [Alias("SetPriority")] Task<JobSnapshot> SetPriority(JobPriority priority);

    /// <summary>Reconciles the job with its shards and the dispatcher. Idempotent; called after crashes and every 30 s.</summary>
    [Alias("Reconcile")] Task Reconcile();

    /// <summary>A shard tells how far it is.</summary>
    [Alias("ShardChanged")] Task ShardChanged(int shard, ShardProgress progress);

    /// <summary>
    /// Removes a job that has ended, with its files: from now on there is none of that name. Idempotent; one that has not ended throws
    /// <see cref="InvalidJobVerbException"/>.
    /// </summary>
    [Alias("Delete")] Task Delete();

    /// <summary>Deletes the job if it ended longer ago than that. True when there is no such job, or no more.</summary>
    [Alias("Expire")] Task<bool> Expire(TimeSpan keep);
}

/// <summary>How far a shard is.</summary>
/// <param name="Counts">Items by where they stand.</param>
/// <param name="ResumedCount">Done items that went on from tokens of an earlier lease.</param>
/// <param name="OutcomeCount">Outcomes that can be read.</param>
/// <param name="IsWatched">Someone reads tokens of an item.</param>
/// <param name="Revision">Of the desired state that it has applied.</param>
/// <param name="Attempt">Of that state.</param>
[GenerateSerializer, Immutable, Alias("emu3.ShardProgress")]
public readonly record struct ShardProgress(
    [property: Id(0)] ItemCounts Counts, [property: Id(1)] int ResumedCount, [property: Id(2)] int OutcomeCount, [property: Id(3)] bool IsWatched,
    [property: Id(4)] int Revision, [property: Id(5)] int Attempt);

/// <summary>There is no such job, or not for this tenant.</summary>
[GenerateSerializer, Alias("emu3.JobNotFound")]
public sealed class JobNotFoundException(string job) : Exception($"There is no job '{job}'.");

/// <summary>The same idempotency key came with other content.</summary>
[GenerateSerializer, Alias("emu3.IdempotencyConflict")]
public sealed class IdempotencyConflictException(string job) : Exception($"'{job}' was submitted before with other content under the same Idempotency-Key.");

/// <summary>The job's state forbids what was asked for. The message says why, and what would be allowed.</summary>
[GenerateSerializer, Alias("emu3.InvalidJobVerb")]
public sealed class InvalidJobVerbException(string message) : Exception(message);
