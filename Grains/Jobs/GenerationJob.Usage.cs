using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>
/// What a job used is told to the ledger by its id, before it leaves the index or is deleted: repeated after every crash until it was heard, and counted once.
/// </summary>
public sealed partial class GenerationJob
{
    private int _attemptTold;

    private async Task TellUsageAsync()
    {
        var state = _state.Durable;
        var attempt = state.DesiredState.Attempt;
        if (state is not { IsTerminal: true, IsDeleted: false, Total: > 0 } || _attemptTold >= attempt) return;
        var shards = await EachShardAsync(state.ShardCount, shard => Shard(shard).GetUsage());
        await GrainFactory.GetGrain<IUsageLedger>(IUsageLedger.KeyOf(state.Spec!.Tenant)).Tell(new()
        {
            Job = _job,
            Tenant = state.Spec.Tenant,
            Key = state.Spec.KeyId ?? "",
            AcceptedAt = state.Spec.CreatedAt,
            Attempt = attempt,
            Items = shards.Aggregate(default(ItemsUsage), (sum, shard) => sum + shard),
        });
        _attemptTold = attempt;
    }
}
