using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>What a shard's items are: written while the job is open, read only afterwards.</summary>
[GenerateSerializer, Alias("emu3.ShardSpecs")]
public sealed class ShardSpecs
{
    [Id(0)] public int SchemaVersion { get; set; } = 1;
    [Id(1)] public JobSpec? Job { get; set; }
    [Id(2)] public List<ItemSpec> Items { get; set; } = [];
}
