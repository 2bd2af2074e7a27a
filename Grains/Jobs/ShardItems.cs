using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>
/// The items of a shard: their state, where it is stored, and the clock of their leases. Each method makes one decision (<see cref="ShardTransitions"/>)
/// in one step, waits for a write that began after it, and answers. Nothing is decided across an await, so calls may interleave and share writes.
/// Items are named by their index in the shard.
/// </summary>
internal sealed class ShardItems
{
    /// <summary>Outcomes move out of the row that is written with every change when so many are durable in it.</summary>
    public const int SettleFrom = 32;

    /// <summary>
    /// A row that a thousand workers change is written so often at most: what comes meanwhile shares a write, and a worker has other items to run while it
    /// waits. The first of a quiet while is written at once.
    /// </summary>
    public static readonly TimeSpan WritePeriod = TimeSpan.FromMilliseconds(50);

    private readonly DurableState<ShardState, ShardRow> _state;
    private readonly IPersistentState<ShardRow> _row;
    private readonly IPersistentState<SettledRow> _settledRow;
    private readonly LeaseClock _clock;
    private int _settledCount; // as far as the main row leaves them out
    private int _settledRowCount; // as far as they are in their own

    /// <param name="row">Where they are stored.</param>
    /// <param name="settledRow">Where outcomes settle.</param>
    /// <param name="time">Its monotonic clock runs the leases.</param>
    /// <param name="giveUp">See <see cref="DurableState{TState, TRow}"/>.</param>
    /// <param name="pace">Of its writes; none when absent.</param>
    public ShardItems(IPersistentState<ShardRow> row, IPersistentState<SettledRow> settledRow, TimeProvider time, Action<Exception> giveUp, Throttle? pace = null)
    {
        (_row, _settledRow, _clock) = (row, settledRow, new LeaseClock(time));
        _state = new(row, stored => stored.ToState(OutcomePack.Unpack(settledRow.State.Outcomes)), state => ShardRow.From(state, _settledCount), giveUp, SettleOutcomesAsync, pace);
    }

    /// <summary>What readers are told.</summary>
    public ShardState Durable
    {
        get
        {
            _state.ThrowIfFaulted();
            return _state.Durable;
        }
    }

    /// <summary>Items are leased out, as far as was decided.</summary>
    public bool HasRunning => _state.Current.Items.Any(item => item.Status == ItemStatus.Running);

    /// <summary>The silos that leases belong to.</summary>
    public IReadOnlyCollection<string> HolderSilos =>
        [.. _state.Current.Items.Select(item => item.Holder).OfType<string>().Distinct().Select(holder => new WorkerId(holder).Silo).Distinct()];

    /// <summary>Takes up what the activation has read. Leases that it finds get their whole time again.</summary>
    public async Task LoadAsync()
    {
        var settled = OutcomePack.Unpack(_settledRow.State.Outcomes);
        if (settled.Length < _row.State.SettledCount)
        {
            // It was read before a predecessor's last settling, and the main row after it.
            await _settledRow.ReadStateAsync();
            settled = OutcomePack.Unpack(_settledRow.State.Outcomes);
            if (settled.Length < _row.State.SettledCount) throw new InvalidOperationException($"{_row.State.SettledCount} outcomes have settled, and {settled.Length} are there.");
        }

        (_settledCount, _settledRowCount) = (_row.State.SettledCount, settled.Length);
        _state.Load();
        Follow(ShardState.Empty, _state.Current);
    }

    public Task SealAsync(int itemCount, DesiredState desired)
    {
        Decide(ShardTransitions.Seal(_state.Current, itemCount, desired));
        return _state.SettleAsync();
    }

    public Task ApplyAsync(DesiredState desired)
    {
        Decide(ShardTransitions.Apply(_state.Current, desired));
        return _state.SettleAsync();
    }

    /// <summary>The items granted, as they then are.</summary>
    public async Task<IReadOnlyList<(int Item, ItemState State)>> AcquireAsync(WorkerId worker, int most)
    {
        var (next, items) = ShardTransitions.Acquire(_state.Current, worker, most);
        Decide(next);
        await _state.SettleAsync();
        return [.. items.Select(item => (item, next.Items[item]))];
    }

    /// <summary>What of it the worker does not hold, and what it does. Leases of its that it does not list are taken back after their grace.</summary>
    public async Task<(IReadOnlyList<int> Dropped, IReadOnlyList<int> Held)> HeartbeatAsync(WorkerId worker, IReadOnlyList<HeldItem> told)
    {
        var (next, dropped) = ShardTransitions.Heartbeat(_state.Current, worker, told);
        var held = told.Where(one => ShardTransitions.Holds(next, worker, one.Item, one.Epoch)).ToList();
        foreach (var one in held) _clock.Renew(one);
        var listed = held.Select(one => one.Item).ToHashSet();
        var lost = Enumerable.Range(0, next.Items.Length)
            .Where(item => next.Items[item] is { Status: ItemStatus.Running } state && state.Holder == worker.Value && !listed.Contains(item) && _clock.IsPastGrace(item));
        Decide(ShardTransitions.TakeBack(next, [.. lost]));
        await _state.SettleAsync();
        return (dropped, [.. listed]);
    }

    public Task<ReportReply> CompleteAsync(WorkerId worker, int item, int epoch, ItemResult result) =>
        EndAsync(ShardTransitions.Complete(_state.Current, worker, item, epoch, result));

    public Task<ReportReply> FailAsync(WorkerId worker, int item, int epoch, ItemFailure failure) =>
        EndAsync(ShardTransitions.Fail(_state.Current, worker, item, epoch, failure));

    public Task ReleaseAsync(WorkerId worker, IReadOnlyList<HeldItem> items)
    {
        Decide(ShardTransitions.Release(_state.Current, worker, items));
        return _state.SettleAsync();
    }

    /// <summary>Ends the leases of a silo's workers. Says which, and whether the death counts against them: they had begun, and made no progress.</summary>
    public async Task<IReadOnlyList<(WorkerId Worker, int Item, bool Counts)>> SiloGoneAsync(string silo, bool isSeen)
    {
        var was = _state.Current;
        var lost = Enumerable.Range(0, was.Items.Length)
            .Where(item => was.Items[item].Holder is { } holder && new WorkerId(holder).Silo == silo)
            .Select(item => (new WorkerId(was.Items[item].Holder!), item, !_clock.HasProgress(item) && _clock.HasBegun(item))).ToList();
        Decide(ShardTransitions.SiloGone(was, silo, _clock.HasProgress, _clock.HasBegun, isSeen));
        await _state.SettleAsync();
        return lost;
    }

    /// <summary>Takes back leases whose deadline has passed. Says how many.</summary>
    public async Task<int> TakeBackExpiredAsync()
    {
        var expired = _clock.Expired();
        Decide(ShardTransitions.TakeBack(_state.Current, expired));
        await _state.SettleAsync();
        return expired.Count;
    }

    /// <summary>Whether this lease is the item's current one.</summary>
    public bool Holds(WorkerId worker, int item, int epoch)
    {
        _state.ThrowIfFaulted();
        return ShardTransitions.Holds(_state.Current, worker, item, epoch);
    }

    /// <summary>Since a running item's lease was last heard of, and its tokens then.</summary>
    public (TimeSpan HeardAgo, int TokenCount)? StandingOf(int item) => _clock.StandingOf(item);

    /// <summary>Removes them. Nothing is answered after it.</summary>
    public async Task ClearAsync()
    {
        await _state.ClearAsync();
        await _settledRow.ClearStateAsync();
    }

    /// <summary>Every answer awaits a write, also one that nothing changed for: one who only believes to be the shard is found out by it.</summary>
    private async Task<ReportReply> EndAsync((ShardState State, ReportReply Reply) end)
    {
        Decide(end.State);
        // A shard that was removed, or never sealed, has nothing to say and leaves no row.
        if (end.State.IsSealed) await _state.SaveAsync();
        return end.Reply;
    }

    /// <summary>
    /// Outcomes that the main row has durably go into their own row, and then out of the main one. Their own only grows: a shorter list would take from a
    /// successor what its main row leaves out.
    /// </summary>
    private async Task SettleOutcomesAsync(ShardState durable)
    {
        var count = durable.Outcomes.Length;
        if (count - _settledCount < SettleFrom) return;
        if (count > _settledRowCount)
        {
            _settledRow.State = new() { Outcomes = OutcomePack.Pack(durable.Outcomes.AsSpan()) };
            await _settledRow.WriteStateAsync();
            _settledRowCount = count;
        }

        _settledCount = count;
    }

    private void Decide(ShardState next)
    {
        var was = _state.Current;
        _state.ThrowIfFaulted();
        _state.Current = next;
        Follow(was, next);
    }

    /// <summary>The clock runs for what runs.</summary>
    private void Follow(ShardState was, ShardState next)
    {
        if (was.Items == next.Items) return;
        for (var item = 0; item < next.Items.Length; item++)
        {
            var before = item < was.Items.Length ? was.Items[item] : default;
            var isRunning = next.Items[item].Status == ItemStatus.Running;
            if (isRunning && (before.Status != ItemStatus.Running || before.Epoch != next.Items[item].Epoch)) _clock.Start(item);
            else if (!isRunning && before.Status == ItemStatus.Running) _clock.Stop(item);
        }
    }
}
