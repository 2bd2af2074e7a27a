namespace Emu3.Grains.Interfaces;

/// <summary>What one job used, once it has ended.</summary>
[GenerateSerializer, Immutable, Alias("emu3.JobUsage")]
public sealed record JobUsage
{
    [Id(0)] public required JobId Job { get; init; }
    [Id(1)] public required string Tenant { get; init; }

    /// <summary>Id of the key that made it; empty where none was asked for.</summary>
    [Id(2)] public required string Key { get; init; }

    /// <summary>When it was accepted: the day that it counts on.</summary>
    [Id(3)] public required DateTimeOffset AcceptedAt { get; init; }

    /// <summary>Of the job: an end that comes after its failed items were begun anew takes the place of the one before.</summary>
    [Id(4)] public required int Attempt { get; init; }
    [Id(5)] public required ItemsUsage Items { get; init; }
}

/// <summary>What items used that are done. Those that failed or were cancelled cost nothing.</summary>
/// <param name="Images">Pictures.</param>
/// <param name="Answers">Texts.</param>
/// <param name="PromptTokens">Tokens that were read.</param>
/// <param name="GeneratedTokens">Tokens that were written.</param>
/// <param name="DeviceSeconds">Seconds in the engine that finished them, each times the item's share of the engine's places.</param>
[GenerateSerializer, Immutable, Alias("emu3.ItemsUsage")]
public readonly record struct ItemsUsage(
    [property: Id(0)] int Images, [property: Id(1)] int Answers, [property: Id(2)] long PromptTokens, [property: Id(3)] long GeneratedTokens,
    [property: Id(4)] double DeviceSeconds)
{
    public static ItemsUsage operator +(ItemsUsage a, ItemsUsage b) => new(
        a.Images + b.Images, a.Answers + b.Answers, a.PromptTokens + b.PromptTokens, a.GeneratedTokens + b.GeneratedTokens, a.DeviceSeconds + b.DeviceSeconds);

    /// <summary>Of one item that is done.</summary>
    public static ItemsUsage Of(ItemSpec spec, ItemResult result) => new(
        spec.Image is null ? 0 : 1, spec.Image is null ? 1 : 0, result.PromptTokens, result.GeneratedTokens, result.DeviceTime.TotalSeconds);
}
