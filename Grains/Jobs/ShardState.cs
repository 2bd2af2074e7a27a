using System.Collections.Immutable;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>All that a shard decides by. Immutable: <see cref="ShardTransitions"/> makes the next one, the grain writes it.</summary>
public sealed record ShardState
{
    /// <summary>A shard that has not been sealed.</summary>
    public static ShardState Empty { get; } = new();

    /// <summary>Items by their index in the shard; none before sealing.</summary>
    public ImmutableArray<ItemState> Items { get; init; } = [];

    /// <summary>The job is accepted, items may be leased.</summary>
    public bool IsSealed { get; init; }

    /// <summary>What the job wants, as far as the shard heard.</summary>
    public DesiredState DesiredState { get; init; } = DesiredState.None;

    /// <summary>
    /// How items ended, in durable order: the n-th stays the n-th for ever, so a reader's cursor is a count. An item that was begun anew
    /// has one for each time that it ended; its last one counts.
    /// </summary>
    public ImmutableArray<ShardOutcome> Outcomes { get; init; } = [];

    public ItemCounts Counts
    {
        get
        {
            Span<int> counts = stackalloc int[5];
            foreach (var item in Items) counts[(int)item.Status]++;
            return new(counts[0], counts[1], counts[2], counts[3], counts[4]);
        }
    }

    /// <summary>Done items that went on from tokens of an earlier lease.</summary>
    public int ResumedCount
    {
        get
        {
            var count = 0;
            foreach (var outcome in Outcomes)
                if (outcome.Result is { ResumedTokens: > 0 }) count++;
            return count;
        }
    }

    /// <summary>How an item that has ended did so; null while it has not.</summary>
    public ShardOutcome? LastOutcomeOf(int item)
    {
        if (!Items[item].HasEnded) return null;
        for (var place = Outcomes.Length - 1; place >= 0; place--)
            if (Outcomes[place].Item == item) return Outcomes[place];
        return null;
    }
}

/// <summary>Where one item stands.</summary>
/// <param name="Status">Done and Cancelled are final, Failed until the job is attempted again.</param>
/// <param name="Epoch">Number of its leases so far; names the last one.</param>
/// <param name="Holder">Key of the worker that has it; null unless it runs.</param>
/// <param name="Suspicion">Grows with the workers that died while they held it; see <see cref="ShardTransitions.SiloGone"/>.</param>
public readonly record struct ItemState(ItemStatus Status, int Epoch, string? Holder, int Suspicion)
{
    public bool HasEnded => Status is ItemStatus.Done or ItemStatus.Failed or ItemStatus.Cancelled;

    /// <summary>So many workers died with it that nothing else may run beside it.</summary>
    public bool RunsAlone => Suspicion >= ShardTransitions.AloneFrom;
}

/// <summary>How one item ended.</summary>
/// <param name="Item">Its index in the shard.</param>
/// <param name="Result">Of a done one.</param>
/// <param name="Failure">Of a failed one. Both null: cancelled.</param>
public sealed record ShardOutcome(int Item, ItemResult? Result, ItemFailure? Failure)
{
    public ItemStatus Status => this switch { { Result: not null } => ItemStatus.Done, { Failure: not null } => ItemStatus.Failed, _ => ItemStatus.Cancelled };
}
