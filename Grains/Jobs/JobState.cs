using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>All that a job decides by, and the row that it is stored in. What its shards know is not repeated here until the end.</summary>
[GenerateSerializer, Immutable, Alias("emu3.JobState")]
public sealed record JobState
{
    [Id(0)] public int SchemaVersion { get; init; } = 1;

    /// <summary>Null: there is no such job.</summary>
    [Id(1)] public JobSpec? Spec { get; init; }
    [Id(2)] public JobStatus Status { get; init; }
    [Id(3)] public DateTimeOffset OpenedAt { get; init; }

    /// <summary>Items; 0 before sealing.</summary>
    [Id(4)] public int Total { get; init; }
    [Id(5)] public string ContentHash { get; init; } = "";
    [Id(6)] public DateTimeOffset? StartedAt { get; init; }
    [Id(7)] public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Set with the terminal status.</summary>
    [Id(8)] public ItemCounts FinalCounts { get; init; }
    [Id(9)] public int FinalResumedCount { get; init; }

    /// <summary>The owner removed it; what is left is on its way out.</summary>
    [Id(10)] public bool IsDeleted { get; init; }

    /// <summary>When that was.</summary>
    [Id(11)] public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>What its shards are to do. Rows of the first releases have none.</summary>
    [Id(12)] public DesiredState StoredDesiredState { get; init; }
    [Id(13)] public PauseReason PauseReason { get; init; }

    /// <summary>Failed items that the owner went on with: they do not count against <see cref="JobSpec.MaxFailures"/>.</summary>
    [Id(14)] public int ForgivenCount { get; init; }

    /// <summary>What its shards are to do; never revision 0 once there is a job.</summary>
    public DesiredState DesiredState => StoredDesiredState.Revision > 0 || Spec is null ? StoredDesiredState
        : DesiredState.First(Spec.Priority) with { IsCancelled = Status is JobStatus.Cancelling or JobStatus.Cancelled };

    public bool IsTerminal => Status is JobStatus.Completed or JobStatus.Cancelled or JobStatus.Aborted;
    public int ShardCount => (Total + JobId.ItemsInShard - 1) / JobId.ItemsInShard;

    /// <summary>Items of a shard.</summary>
    public int ItemsOf(int shard) => Math.Min(JobId.ItemsInShard, Total - (shard * JobId.ItemsInShard));
}
