using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Diagnosis;

/// <summary>What could be seen of a job and of the cluster at one moment.</summary>
internal sealed record JobView
{
    public required JobSnapshot Job { get; init; }

    /// <summary>Its shards, in order; none when the job has no items that wait or run.</summary>
    public IReadOnlyList<ShardView> Shards { get; init; } = [];

    /// <summary>Null when nobody could be asked.</summary>
    public ClusterView? Cluster { get; init; }

    /// <summary>Why nobody could be asked.</summary>
    public string? ClusterSilence { get; init; }

    /// <summary>Specs of items that are looked at one by one, by their index; others are left out.</summary>
    public IReadOnlyDictionary<int, ItemSpec> Specs { get; init; } = new Dictionary<int, ItemSpec>();
}

/// <summary>One shard: where its items are that have not ended, or why it did not answer.</summary>
internal sealed record ShardView(int Number, IReadOnlyList<ItemView> ItemViews, string? Silence);

/// <summary>What could take items, and what else waits.</summary>
internal sealed record ClusterView
{
    public required IReadOnlyList<WorkerInfo> Ready { get; init; }
    public required IReadOnlyList<LoadingWorker> Loading { get; init; }

    /// <summary>Devices that get no work, with the reason.</summary>
    public required IReadOnlyDictionary<string, string> Quarantined { get; init; }

    /// <summary>Other jobs that have not ended.</summary>
    public required IReadOnlyList<JobSnapshot> OtherJobs { get; init; }
}
