using System.Text.Json.Nodes;
using Emu3.Cli.Batch.Plan;

namespace Emu3.Cli.Batch;

/// <summary>What the command line of <c>emu3 batch</c> says.</summary>
internal sealed record BatchOptions
{
    /// <summary>File, folder of pictures, or <c>-</c>.</summary>
    public required string Input { get; init; }

    /// <summary>Output folder.</summary>
    public required string Out { get; init; }
    public InputFormat Format { get; init; }

    /// <summary>File names of pictures, without ending; see <see cref="OutputPlan"/>.</summary>
    public string Name { get; init; } = "{id}-{seed}";

    /// <summary>Item fields that lines leave out.</summary>
    public JsonObject Defaults { get; init; } = [];

    /// <summary>Question for pictures that come without one.</summary>
    public string? Question { get; init; }

    /// <summary>Seed of the batch; null draws one at the first run, which the folder keeps.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Which of the items are this process's.</summary>
    public BatchShard Shard { get; init; } = BatchShard.Whole;

    /// <summary><c>high</c>, <c>normal</c> or <c>low</c>; null leaves it to the gateway.</summary>
    public string? Priority { get; init; }

    /// <summary>Failed outputs that the job goes on with; one more pauses it. Null: any number.</summary>
    public int? MaxFailures { get; init; }

    /// <summary>Name of a model that the gateway serves; null takes its only one.</summary>
    public string? Model { get; init; }

    /// <summary>Data folder of the cluster that runs on this machine, where rates are kept; null when it runs elsewhere.</summary>
    public string? DataFolder { get; init; }

    /// <summary>Changed items are made again, and what they gave before is removed.</summary>
    public bool Overwrite { get; init; }
    public bool RetryFailed { get; init; }

    /// <summary>Check and estimate only.</summary>
    public bool DryRun { get; init; }
}
