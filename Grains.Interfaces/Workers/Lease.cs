namespace Emu3.Grains.Interfaces;

/// <summary>The right of one worker to run one item. Counts only while the shard still has this epoch and this worker.</summary>
[GenerateSerializer, Immutable, Alias("emu3.Lease")]
public sealed record Lease
{
    /// <summary>Index of the item in its job.</summary>
    [Id(0)] public required int Item { get; init; }

    /// <summary>Grows with every grant of the item.</summary>
    [Id(1)] public required int Epoch { get; init; }
    [Id(2)] public required ItemSpec Spec { get; init; }

    /// <summary>Someone reads its tokens: push them.</summary>
    [Id(3)] public bool IsWatched { get; init; }

    /// <summary>A worker died with it before: tell at once when it makes progress, so that it is cleared of suspicion.</summary>
    [Id(4)] public bool IsSuspect { get; init; }

    /// <summary>It was held by several workers that died: nothing else may run beside it.</summary>
    [Id(5)] public bool RunsAlone { get; init; }
}

/// <summary>What <see cref="IJobShard.Acquire"/> gave.</summary>
[GenerateSerializer, Immutable, Alias("emu3.LeaseGrant")]
public sealed record LeaseGrant
{
    [Id(0)] public required IReadOnlyList<Lease> Leases { get; init; }
    [Id(1)] public required string Tenant { get; init; }
    [Id(2)] public required string WeightsHash { get; init; }
    [Id(3)] public required string Model { get; init; }

    /// <summary>Items still to be had.</summary>
    [Id(4)] public required int PendingCount { get; init; }

    /// <summary>Someone waits for these items: they may take the slots that are kept from batch work.</summary>
    [Id(5)] public required bool IsInteractive { get; init; }

    /// <summary>See <see cref="JobSpec.TraceParent"/>.</summary>
    [Id(6)] public string? TraceParent { get; init; }
}

/// <summary>One item that a worker holds, and how far it is.</summary>
/// <param name="Item">Index of the item in its job.</param>
/// <param name="Epoch">Of the lease.</param>
/// <param name="TokenCount">Tokens generated so far.</param>
/// <param name="ResumedCount">Of these, tokens that an earlier lease left; more than that is progress.</param>
/// <param name="IsWaiting">The engine has not begun it: it waits for its turn.</param>
[GenerateSerializer, Immutable, Alias("emu3.HeldItem")]
public readonly record struct HeldItem(
    [property: Id(0)] int Item, [property: Id(1)] int Epoch, [property: Id(2)] int TokenCount, [property: Id(3)] int ResumedCount,
    [property: Id(4)] bool IsWaiting = false);

/// <summary>What the shard makes of a heartbeat.</summary>
[GenerateSerializer, Immutable, Alias("emu3.HeartbeatReply")]
public sealed record HeartbeatReply
{
    /// <summary>Items whose lease is no more: stop them, their tokens count for nothing.</summary>
    [Id(0)] public required IReadOnlyList<int> Dropped { get; init; }

    /// <summary>Items whose tokens someone reads: push them.</summary>
    [Id(1)] public required IReadOnlyList<int> Watched { get; init; }
}

/// <summary>What became of a report about a leased item.</summary>
public enum ReportReply
{
    /// <summary>It counted, and is durable.</summary>
    Accepted = 0,

    /// <summary>The item had ended before; the first end stands.</summary>
    Duplicate = 1,

    /// <summary>The lease is not the item's current one; nothing changed.</summary>
    Stale = 2,
}

/// <summary>Tokens of a watched item, in order.</summary>
[GenerateSerializer, Immutable, Alias("emu3.TokenChunk")]
public sealed record TokenChunk
{
    [Id(0)] public required int Epoch { get; init; }

    /// <summary>Index of the first token among all generated ones, the same in every epoch.</summary>
    [Id(1)] public required int Offset { get; init; }
    [Id(2)] public required int[] Tokens { get; init; }

    /// <summary>For text: the characters that each token completed.</summary>
    [Id(3)] public string[]? Pieces { get; init; }

    /// <summary>Recomputed tokens differ from told ones, or the item began anew: forget everything from <see cref="Offset"/> on.</summary>
    [Id(4)] public bool IsRewind { get; init; }
}
