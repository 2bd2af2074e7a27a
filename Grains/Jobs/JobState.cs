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

    public bool IsTerminal => Status is JobStatus.Completed or JobStatus.Cancelled or JobStatus.Aborted;
    public int ShardCount => (Total + JobId.ItemsInShard - 1) / JobId.ItemsInShard;

    /// <summary>Items of a shard.</summary>
    public int ItemsOf(int shard) => Math.Min(JobId.ItemsInShard, Total - (shard * JobId.ItemsInShard));
}
