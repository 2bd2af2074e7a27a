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
    private const int DeathAlone = 2; // two of them
    private const int UnseenDeath = 1;

    private static readonly ItemFailure s_poisoned = new(
        FailureCode.Poisoned, "Every worker that ran this item died with it, the last two while running nothing else.");

    /// <summary>Opens the items for leasing.</summary>
    public static ShardState Seal(ShardState state, int itemCount, DesiredState desired) => Apply(
        state.IsSealed ? state : state with { IsSealed = true, Items = [.. Enumerable.Repeat(new ItemState(ItemStatus.Pending, 0, null, 0), itemCount)] },
        desired);

    /// <summary>Takes up what the job wants, if that is newer than what it wanted before.</summary>
    public static ShardState Apply(ShardState state, DesiredState desired)
    {
        if (!state.IsSealed || desired.Revision <= state.DesiredState.Revision) return state;
        var next = state with { DesiredState = desired };
        if (desired.Attempt > state.DesiredState.Attempt)
            next = Change(next, Where(next, item => item.Status == ItemStatus.Failed), item => item with { Status = ItemStatus.Pending, Suspicion = 0 });
        if (desired.IsCancelled) return Cancel(next);
        return desired.IsPaused ? TakeBack(next, Where(next, item => item.Status == ItemStatus.Running)) : next;
    }

    /// <summary>
    /// Leases pending items, lowest index first. An item that must run alone is granted by itself, when no other is pending.
    /// </summary>
    public static (ShardState State, IReadOnlyList<int> Granted) Acquire(ShardState state, WorkerId worker, int most)
    {
        if (state.DesiredState.IsPaused || most <= 0) return (state, []);
        var pending = Where(state, item => item.Status == ItemStatus.Pending);
        var granted = pending.Where(item => !state.Items[item].RunsAlone).Take(most).ToList();
        if (granted.Count == 0) granted = [.. pending.Take(1)];
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
        End(state, worker, epoch, new ShardOutcome(item, result, null));

    /// <summary>The item can't be done.</summary>
    public static (ShardState State, ReportReply Reply) Fail(ShardState state, WorkerId worker, int item, int epoch, ItemFailure failure) =>
        End(state, worker, epoch, new ShardOutcome(item, null, failure));

    /// <summary>A worker gives items back unharmed.</summary>
    public static ShardState Release(ShardState state, WorkerId worker, IReadOnlyList<HeldItem> items) =>
        TakeBack(state, [.. items.Where(h => Holds(state, worker, h.Item, h.Epoch)).Select(h => h.Item)]);

    /// <summary>Leases end without blame: a deadline passed, the worker never got the grant, or the job is paused.</summary>
    public static ShardState TakeBack(ShardState state, IReadOnlyList<int> items) =>
        Change(state, [.. items.Where(item => state.Items[item].Status == ItemStatus.Running)], item => item with { Status = ItemStatus.Pending, Holder = null });

    /// <summary>
    /// A silo is dead, and its leases with it. A death counts against an item only where its lease made no progress and the worker had told that it began
    /// the item. Of an item above suspicion it need not have told that: one death makes a suspect, and a suspect's worker tells before it begins. A shard
    /// that died with the worker can't know either, and counts a quarter. An item that dies alone a second time is poison: it fails, the job goes on.
    /// Once may be chance, since workers are killed from outside too.
    /// </summary>
    /// <param name="state">The state before.</param>
    /// <param name="silo">The silo's part of its workers' keys.</param>
    /// <param name="hasProgress">Whether the shard saw an item's present lease make progress.</param>
    /// <param name="hasBegun">Whether the worker told that it has begun the item.</param>
    /// <param name="isSeen">The shard was there when it happened.</param>
    public static ShardState SiloGone(ShardState state, string silo, Func<int, bool> hasProgress, Func<int, bool> hasBegun, bool isSeen)
    {
        var lost = Where(state, item => item.Holder is { } holder && new WorkerId(holder).Silo == silo);
        if (lost.Count == 0) return state;
        var items = state.Items.ToBuilder();
        var poisoned = new List<ShardOutcome>();
        foreach (var item in lost)
        {
            var was = items[item];
            var death = (isSeen, HasBegun: hasBegun(item)) switch
            {
                (false, _) => UnseenDeath,
                (true, true) => was.RunsAlone ? DeathAlone : SeenDeath,
                _ => was.Suspicion == 0 ? UnseenDeath : 0,
            };
            var suspicion = hasProgress(item) ? was.Suspicion : was.Suspicion + death;
            var isPoison = was.RunsAlone && suspicion >= PoisonFrom;
            if (isPoison) poisoned.Add(new(item, null, s_poisoned));
            items[item] = was with { Status = isPoison ? ItemStatus.Failed : ItemStatus.Pending, Holder = null, Suspicion = suspicion };
        }

        return state with { Items = items.MoveToImmutable(), Outcomes = state.Outcomes.AddRange(poisoned) };
    }

    /// <summary>Whether this lease is the item's current one.</summary>
    public static bool Holds(ShardState state, WorkerId worker, int item, int epoch) =>
        (uint)item < (uint)state.Items.Length && state.Items[item] is var current
        && current.Status == ItemStatus.Running && current.Epoch == epoch && current.Holder == worker.Value;

    /// <summary>Ends every item that has not ended.</summary>
    private static ShardState Cancel(ShardState state)
    {
        var open = Where(state, item => !item.HasEnded);
        return Change(state, open, item => item with { Status = ItemStatus.Cancelled, Holder = null }) with
        {
            Outcomes = state.Outcomes.AddRange(open.Select(item => new ShardOutcome(item, null, null))),
        };
    }

    private static (ShardState State, ReportReply Reply) End(ShardState state, WorkerId worker, int epoch, ShardOutcome outcome)
    {
        var item = outcome.Item;
        if ((uint)item < (uint)state.Items.Length && state.Items[item].Status is ItemStatus.Done or ItemStatus.Failed) return (state, ReportReply.Duplicate);
        if (!Holds(state, worker, item, epoch)) return (state, ReportReply.Stale);
        return (Change(state, [item], was => was with { Status = outcome.Status, Holder = null }) with { Outcomes = state.Outcomes.Add(outcome) }, ReportReply.Accepted);
    }

    private static List<int> Where(ShardState state, Func<ItemState, bool> condition)
    {
        var items = new List<int>();
        for (var item = 0; item < state.Items.Length; item++)
            if (condition(state.Items[item])) items.Add(item);
        return items;
    }

    private static ShardState Change(ShardState state, List<int> items, Func<ItemState, ItemState> change)
    {
        if (items.Count == 0) return state;
        var changed = state.Items.ToBuilder();
        foreach (var item in items) changed[item] = change(changed[item]);
        return state with { Items = changed.MoveToImmutable() };
    }
}
