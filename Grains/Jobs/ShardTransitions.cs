using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>
/// Every decision of a shard, as functions from state to state. No clock, no I/O: the grain applies one at a time and answers only after
/// a write of what it gave.
/// </summary>
public static class ShardTransitions
{
    /// <summary>From this suspicion on an item runs alone: two deaths that the shard saw, or eight that it learned of by its own restart.</summary>
    public const int AloneFrom = 8;

    // A process that is killed ten times while it still loads or reads prompts makes no item poison: whoever kills it is to blame.
    private const int PoisonFrom = 12;
    private const int SeenDeath = 4;
    private const int UnseenDeath = 1;

    /// <summary>Opens the items for leasing.</summary>
    public static ShardState Seal(ShardState state, int itemCount) => state.IsSealed || state.IsCancelled
        ? state
        : state with { IsSealed = true, Items = [.. Enumerable.Repeat(new ItemState(ItemStatus.Pending, 0, null, 0), itemCount)] };

    /// <summary>
    /// Leases pending items, lowest index first. An item that must run alone is granted by itself, when no other is pending.
    /// </summary>
    public static (ShardState State, IReadOnlyList<int> Granted) Acquire(ShardState state, WorkerId worker, int most)
    {
        var pending = Enumerable.Range(0, state.Items.Length).Where(item => state.Items[item].Status == ItemStatus.Pending).ToList();
        var granted = pending.Where(item => !state.Items[item].RunsAlone).Take(most).ToList();
        if (granted.Count == 0) granted = [.. pending.Take(Math.Min(most, 1))];
        return (Change(state, granted, item => item with { Status = ItemStatus.Running, Epoch = item.Epoch + 1, Holder = worker.Value }), granted);
    }

    /// <summary>A worker tells what it holds: progress clears an item of suspicion. What it does not hold is <c>Dropped</c>.</summary>
    public static (ShardState State, IReadOnlyList<int> Dropped) Heartbeat(ShardState state, WorkerId worker, IReadOnlyList<HeldItem> held)
    {
        var cleared = held.Where(h => h.TokenCount > h.ResumedCount && Holds(state, worker, h.Item, h.Epoch) && state.Items[h.Item].Suspicion > 0);
        return (Change(state, [.. cleared.Select(h => h.Item)], item => item with { Suspicion = 0 }),
            [.. held.Where(h => !Holds(state, worker, h.Item, h.Epoch)).Select(h => h.Item)]);
    }

    /// <summary>The item's file is stored.</summary>
    public static (ShardState State, ReportReply Reply) Complete(ShardState state, WorkerId worker, int item, int epoch, ItemResult result) =>
        End(state, worker, item, epoch, ItemStatus.Done, new ShardOutcome(item, result, null));

    /// <summary>The item can't be done.</summary>
    public static (ShardState State, ReportReply Reply) Fail(ShardState state, WorkerId worker, int item, int epoch, ItemFailure failure) =>
        End(state, worker, item, epoch, ItemStatus.Failed, new ShardOutcome(item, null, failure));

    /// <summary>A worker gives items back unharmed.</summary>
    public static ShardState Release(ShardState state, WorkerId worker, IReadOnlyList<HeldItem> items) =>
        TakeBack(state, [.. items.Where(h => Holds(state, worker, h.Item, h.Epoch)).Select(h => h.Item)]);

    /// <summary>Leases end without blame: a deadline passed, or the worker never got the grant.</summary>
    public static ShardState TakeBack(ShardState state, IReadOnlyList<int> items) =>
        Change(state, [.. items.Where(item => state.Items[item].Status == ItemStatus.Running)], item => item with { Status = ItemStatus.Pending, Holder = null });

    /// <summary>
    /// A silo is dead, and its leases with it. A death counts against an item only where its lease made no progress. A shard that died
    /// with the worker can't know that, so an unseen death counts a quarter. An item that dies alone is poison: it fails, the job goes on.
    /// </summary>
    /// <param name="state">The state before.</param>
    /// <param name="silo">The silo's part of its workers' keys.</param>
    /// <param name="hasProgress">Whether the shard saw an item's present lease make progress.</param>
    /// <param name="isSeen">The shard was there when it happened.</param>
    public static ShardState SiloGone(ShardState state, string silo, Func<int, bool> hasProgress, bool isSeen)
    {
        for (var item = 0; item < state.Items.Length; item++)
        {
            var was = state.Items[item];
            if (was.Holder is null || new WorkerId(was.Holder).Silo != silo) continue;
            var suspicion = hasProgress(item) ? was.Suspicion : was.Suspicion + (isSeen ? SeenDeath : UnseenDeath);
            var isPoison = was.RunsAlone && suspicion >= PoisonFrom;
            var failure = new ItemFailure(FailureCode.Poisoned, "Every worker that ran this item died with it, the last one while running nothing else.");
            state = state with
            {
                Items = state.Items.SetItem(item, was with { Status = isPoison ? ItemStatus.Failed : ItemStatus.Pending, Holder = null, Suspicion = suspicion }),
                Outcomes = isPoison ? state.Outcomes.Add(new ShardOutcome(item, null, failure)) : state.Outcomes,
            };
        }

        return state;
    }

    /// <summary>Ends every item that has not ended.</summary>
    public static ShardState Cancel(ShardState state)
    {
        if (state.IsCancelled) return state;
        var open = Enumerable.Range(0, state.Items.Length).Where(item => !state.Items[item].HasEnded).ToList();
        return Change(state, open, item => item with { Status = ItemStatus.Cancelled, Holder = null }) with
        {
            IsCancelled = true,
            Outcomes = state.Outcomes.AddRange(open.Select(item => new ShardOutcome(item, null, null))),
        };
    }

    /// <summary>Whether this lease is the item's current one.</summary>
    public static bool Holds(ShardState state, WorkerId worker, int item, int epoch) =>
        (uint)item < (uint)state.Items.Length && state.Items[item] is var current
        && current.Status == ItemStatus.Running && current.Epoch == epoch && current.Holder == worker.Value;

    private static (ShardState State, ReportReply Reply) End(
        ShardState state, WorkerId worker, int item, int epoch, ItemStatus status, ShardOutcome outcome)
    {
        if ((uint)item < (uint)state.Items.Length && state.Items[item].Status is ItemStatus.Done or ItemStatus.Failed) return (state, ReportReply.Duplicate);
        if (!Holds(state, worker, item, epoch)) return (state, ReportReply.Stale);
        return (Change(state, [item], was => was with { Status = status, Holder = null }) with { Outcomes = state.Outcomes.Add(outcome) }, ReportReply.Accepted);
    }

    private static ShardState Change(ShardState state, List<int> items, Func<ItemState, ItemState> change)
    {
        if (items.Count == 0) return state;
        var changed = state.Items.ToBuilder();
        foreach (var item in items) changed[item] = change(changed[item]);
        return state with { Items = changed.MoveToImmutable() };
    }
}
