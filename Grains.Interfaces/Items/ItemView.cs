namespace Emu3.Grains.Interfaces;

/// <summary>Where an item is that has not ended, for whoever looks for what is stuck.</summary>
[GenerateSerializer, Immutable, Alias("emu3.ItemStanding")]
public sealed record ItemView
{
    /// <summary>Index of the item in its job.</summary>
    [Id(0)] public required int Item { get; init; }

    /// <summary>Pending or Running.</summary>
    [Id(1)] public required ItemStatus Status { get; init; }

    /// <summary>The worker that runs it.</summary>
    [Id(2)] public WorkerId? Holder { get; init; }

    /// <summary>Leases so far.</summary>
    [Id(3)] public required int Epoch { get; init; }

    /// <summary>Grows with the workers that died while they held it; progress clears it.</summary>
    [Id(4)] public required int Suspicion { get; init; }

    /// <summary>So many workers died with it that nothing else may run beside it.</summary>
    [Id(5)] public required bool RunsAlone { get; init; }

    /// <summary>Since its worker last named it, or got it; null when it does not run.</summary>
    [Id(6)] public TimeSpan? HeardAgo { get; init; }

    /// <summary>Tokens as its worker last told; 0 when it does not run.</summary>
    [Id(7)] public int TokenCount { get; init; }
}
