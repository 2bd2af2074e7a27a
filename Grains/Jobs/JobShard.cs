using System.Globalization;
using System.Runtime.CompilerServices;
using Emu3.Grains.Interfaces;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Jobs;

/// <summary>
/// See <see cref="IJobShard"/>. Each method makes one decision (<see cref="ShardTransitions"/>) in one step, waits for a write that began after it,
/// and answers. Nothing is decided across an await, so calls may interleave and share writes.
/// </summary>
[Reentrant]
public sealed partial class JobShard : Grain, IJobShard, IDisposable
{
    private const int MaxMessageBytes = 512 * 1024;
    private const int TokensInChunk = 1024;
    private static readonly TimeSpan s_reportPeriod = TimeSpan.FromMilliseconds(100);

    private readonly DurableState<ShardState, ShardRow> _state;
    private readonly DurableState<ShardSpecs, ShardSpecs> _specs;
    private readonly IPersistentState<ShardRow> _row;
    private readonly IPersistentState<ShardSpecs> _specsRow;
    private readonly TimeProvider _time;
    private readonly SiloLife _life;
    private readonly SiloMembers _members;
    private readonly DeadSiloWatch _deadSilos;
    private readonly ILogger<JobShard> _logger;
    private readonly LeaseClock _clock;
    private readonly Dictionary<int, TokenBuffer> _buffers = [];
    private readonly CancellationTokenSource _gone = new();

    private JobId _job;
    private int _number;
    private int _first; // index in the job of the shard's first item
    private IGrainTimer? _timer;
    private ShardProgress? _toldProgress;
    private int _toldPending;
    private bool _mayOffer; // the job is accepted: it said so by Resume(), or items were leased before
    private bool _isDirty;
    private bool _isReporting;

    public JobShard(
        [PersistentState("shard", ClusterProviders.GrainStorage)] IPersistentState<ShardRow> row,
        [PersistentState("shard.specs", ClusterProviders.GrainStorage)] IPersistentState<ShardSpecs> specsRow,
        TimeProvider time, SiloLife life, SiloMembers members, DeadSiloWatch deadSilos, ILogger<JobShard> logger)
    {
        (_row, _specsRow, _time, _life, _members, _deadSilos, _logger) = (row, specsRow, time, life, members, deadSilos, logger);
        _clock = new LeaseClock(time);
        _state = new(row, stored => stored.ToState(), ShardRow.From, GiveUp);
        _specs = new(specsRow, stored => stored, stored => stored, GiveUp);
    }

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var key = this.GetPrimaryKeyString().Split('/');
        _job = new JobId(key[0]);
        _number = int.Parse(key[1], CultureInfo.InvariantCulture);
        _first = _number * JobId.ItemsInShard;
        _state.Load();
        _specs.Load();
        _deadSilos.Add(this.GetPrimaryKeyString(), this.AsReference<IJobShard>());
        foreach (var item in Running(_state.Current)) _clock.Start(item);
        DropLeasesOfGoneSilos();
        await _state.SettleAsync();
        _mayOffer = _state.Durable.Items.Any(item => item.Epoch > 0);
        KeepTime();
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _deadSilos.Remove(this.GetPrimaryKeyString());
        _gone.Cancel();
        return Task.CompletedTask;
    }

    public void Dispose() => _gone.Dispose();

    public Task Init(JobSpec job, int firstIndex, IReadOnlyList<ItemSpec> items)
    {
        var have = _specs.Current.Items;
        if (firstIndex > have.Count || firstIndex + items.Count > JobId.ItemsInShard)
            throw new ArgumentException($"Items {firstIndex}–{firstIndex + items.Count - 1} do not follow the {have.Count} that are here, or exceed {JobId.ItemsInShard}.");
        var known = Math.Min(have.Count - firstIndex, items.Count);
        for (var i = 0; i < known; i++)
            if (!SpecHash.Of(have[firstIndex + i]).AsSpan().SequenceEqual(SpecHash.Of(items[i]))) throw new IdempotencyConflictException(_job.Value);
        if (known < items.Count) _specs.Current = new() { Job = _specs.Current.Job ?? job, Items = [.. have, .. items.Skip(known)] };
        return _specs.SettleAsync();
    }

    public async Task<ShardProgress> Seal(int itemCount)
    {
        if (_specs.Current.Items.Count != itemCount)
            throw new ArgumentException($"Shard {this.GetPrimaryKeyString()} has {_specs.Current.Items.Count} items, not {itemCount}.");
        await _specs.SettleAsync();
        _state.Current = ShardTransitions.Seal(_state.Current, itemCount);
        await _state.SettleAsync();
        return Progress();
    }

    public async Task<LeaseGrant> Acquire(WorkerId worker, int most)
    {
        if (_specs.Current.Job is not { } job) throw new JobNotFoundException(_job.Value);
        var (next, granted) = ShardTransitions.Acquire(_state.Current, worker, Math.Min(most, MostInMessage()));
        _state.Current = next;
        foreach (var item in granted) _clock.Start(item);
        KeepTime();
        await _state.SettleAsync();
        Report();
        return new()
        {
            Tenant = job.Tenant,
            WeightsHash = job.WeightsHash,
            Model = job.Model,
            PendingCount = _state.Durable.Counts.Pending,
            IsInteractive = IsInteractive,
            Leases = [.. granted.Select(item => new Lease
            {
                Item = _first + item,
                Epoch = next.Items[item].Epoch,
                Spec = _specs.Durable.Items[item],
                IsSuspect = next.Items[item].Suspicion > 0,
                RunsAlone = next.Items[item].RunsAlone,
                IsWatched = IsWatched(item) || (job.Priority == JobPriority.Interactive && _specs.Durable.Items[item].Chat is not null),
            })],
        };
    }

    public async Task<HeartbeatReply> Heartbeat(WorkerId worker, IReadOnlyList<HeldItem> held)
    {
        var local = held.Select(Local).ToList();
        var (next, dropped) = ShardTransitions.Heartbeat(_state.Current, worker, local);
        var listed = local.Where(h => ShardTransitions.Holds(next, worker, h.Item, h.Epoch)).ToList();
        foreach (var item in listed) _clock.Renew(item);
        var lost = Running(next).Where(item => next.Items[item].Holder == worker.Value && _clock.IsPastGrace(item)).Except(listed.Select(h => h.Item)).ToList();
        _state.Current = ShardTransitions.TakeBack(next, lost);
        lost.ForEach(_clock.Stop);
        await _state.SettleAsync();
        Report();
        return new()
        {
            Dropped = [.. dropped.Select(item => item + _first)],
            Watched = [.. listed.Where(h => IsWatched(h.Item)).Select(h => h.Item + _first)],
        };
    }

    public Task<int> Push(WorkerId worker, int item, TokenChunk chunk)
    {
        _state.ThrowIfVoid();
        return Task.FromResult(ShardTransitions.Holds(_state.Current, worker, item - _first, chunk.Epoch) ? Buffer(item - _first).Append(chunk) : -1);
    }

    // :: Step 7 Records each result once; its file was in the blob store before.
    public async Task<ReportReply> Complete(WorkerId worker, int item, int epoch, ItemResult result)
    {
        (_state.Current, var reply) = ShardTransitions.Complete(_state.Current, worker, item - _first, epoch, result);
        return await EndedAsync(item - _first, reply, result.GeneratedTokens);
    }

    public async Task<ReportReply> Fail(WorkerId worker, int item, int epoch, ItemFailure failure)
    {
        (_state.Current, var reply) = ShardTransitions.Fail(_state.Current, worker, item - _first, epoch, failure);
        return await EndedAsync(item - _first, reply, null);
    }

    public async Task Release(WorkerId worker, IReadOnlyList<HeldItem> items)
    {
        var before = Running(_state.Current);
        _state.Current = ShardTransitions.Release(_state.Current, worker, [.. items.Select(Local)]);
        foreach (var item in before.Except(Running(_state.Current))) _clock.Stop(item);
        await _state.SettleAsync();
        Report();
    }

    public async Task SiloGone(string silo)
    {
        DropLeasesOf(silo, isSeen: true);
        await _state.SettleAsync();
        Report();
    }

    public async Task<ShardProgress> Cancel()
    {
        _state.Current = ShardTransitions.Cancel(_state.Current);
        await _state.SettleAsync();
        foreach (var (item, buffer) in _buffers)
            if (HasEnded(item)) buffer.End(null);
        Report();
        return Progress();
    }

    public async Task<ShardProgress> Resume()
    {
        DropLeasesOfGoneSilos();
        await _state.SettleAsync();
        _mayOffer = true;
        _toldPending = 0; // the dispatcher may have forgotten
        Report();
        return Progress();
    }

    public Task<bool> HasItems()
    {
        _specs.ThrowIfVoid();
        return Task.FromResult(_specs.Durable.Items.Count > 0);
    }

    public Task<IReadOnlyList<ItemOutcome>> ReadOutcomes(int from, int most)
    {
        _state.ThrowIfVoid();
        var outcomes = _state.Durable.Outcomes;
        var count = Math.Clamp(Math.Min(most, outcomes.Count - from), 0, MostInMessage());
        return Task.FromResult<IReadOnlyList<ItemOutcome>>([.. Enumerable.Range(from, count).Select(place => Outcome(outcomes[place]))]);
    }

    public Task<ItemOutcome?> GetItem(int item)
    {
        _state.ThrowIfVoid();
        var local = item - _first;
        var state = _state.Durable;
        if ((uint)local >= (uint)state.Items.Length) return Task.FromResult<ItemOutcome?>(null);
        return Task.FromResult<ItemOutcome?>(state.Outcomes.Find(outcome => outcome.Item == local) is { } ended
            ? Outcome(ended)
            : new() { Item = item, Status = state.Items[local].Status, Spec = _specs.Durable.Items[local] });
    }

    public async IAsyncEnumerable<TokenChunk> ReadTokens(int item, int from, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var local = item - _first;
        if ((uint)local >= (uint)_state.Durable.Items.Length) yield break;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _life.Stopping, _gone.Token);
        var buffer = Buffer(local);
        if (HasEnded(local) && !buffer.IsEnded) buffer.End(null);
        buffer.ReaderCount++;
        KeepTime();
        Report();
        try
        {
            var reader = new TokenBuffer.Reader(buffer, from);
            while (true)
            {
                var changed = buffer.Changed;
                while (reader.Next(TokensInChunk) is { } chunk) yield return chunk;
                if (buffer.IsEnded) yield break;
                await changed.WaitAsync(ending.Token);
            }
        }
        finally
        {
            buffer.ReaderCount--;
        }
    }

    public async Task Delete()
    {
        await _state.SettleAsync();
        await _specs.SettleAsync();
        await _row.ClearStateAsync();
        await _specsRow.ClearStateAsync();
        DeactivateOnIdle();
    }

    private async Task<ReportReply> EndedAsync(int item, ReportReply reply, int? tokenCount)
    {
        if (reply == ReportReply.Accepted) _clock.Stop(item);
        await _state.SaveAsync();
        if (reply == ReportReply.Accepted && _buffers.TryGetValue(item, out var buffer)) buffer.End(tokenCount);
        Report();
        return reply;
    }

    private void DropLeasesOfGoneSilos()
    {
        var silos = _state.Current.Items.Select(item => item.Holder).OfType<string>().Select(holder => new WorkerId(holder).Silo).Distinct();
        foreach (var silo in silos.Where(_members.IsGone).ToList()) DropLeasesOf(silo, isSeen: false);
    }

    private void DropLeasesOf(string silo, bool isSeen)
    {
        var before = Running(_state.Current);
        _state.Current = ShardTransitions.SiloGone(_state.Current, silo, _clock.HasProgress, isSeen);
        var dropped = before.Except(Running(_state.Current)).ToList();
        dropped.ForEach(_clock.Stop);
        if (dropped.Count > 0) LogSiloGone(this.GetPrimaryKeyString(), silo, dropped.Count);
    }

    /// <summary>Looks at the clock every second while something runs or is read.</summary>
    private void KeepTime() => _timer ??= Running(_state.Current).Count == 0 && _buffers.Count == 0 && !_isDirty
        ? null
        : this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)) { Interleave = true, KeepAlive = true });

    private async Task TickAsync(CancellationToken cancellationToken)
    {
        var expired = _clock.Expired();
        if (expired.Count > 0)
        {
            LogDeadline(this.GetPrimaryKeyString(), expired.Count);
            _state.Current = ShardTransitions.TakeBack(_state.Current, expired);
            foreach (var item in expired) _clock.Stop(item);
            await _state.SettleAsync();
        }

        foreach (var (item, buffer) in _buffers.ToList())
            if (buffer is { IsEnded: true, ReaderCount: 0 } && !IsInteractive) _buffers.Remove(item);
        if (_isDirty || expired.Count > 0 || _buffers.Count > 0) Report();
        if (Running(_state.Current).Count > 0 || _buffers.Count > 0 || _isDirty) return;
        _timer?.Dispose();
        _timer = null;
    }

    /// <summary>Tells job and dispatcher what is durable now; several changes share one telling.</summary>
    private void Report()
    {
        _isDirty = true;
        if (!_isReporting) _ = ReportAsync(); // what fails in it is told again at the next tick
    }

    private async Task ReportAsync()
    {
        _isReporting = true;
        try
        {
            while (_isDirty)
            {
                _isDirty = false;
                var progress = Progress();
                if (_toldProgress != progress || progress.IsWatched)
                {
                    await GrainFactory.GetGrain<IGenerationJob>(_job.Value).ShardChanged(_number, progress);
                    _toldProgress = progress;
                }

                if (_mayOffer && progress.Counts.Pending != _toldPending && _specs.Durable.Job is { } job)
                {
                    var pending = progress.Counts.Pending;
                    await GrainFactory.GetGrain<IDispatcher>(0).Offer(new()
                    {
                        Job = _job,
                        Shard = _number,
                        Tenant = job.Tenant,
                        WeightsHash = job.WeightsHash,
                        Priority = job.Priority,
                        CreatedAt = job.CreatedAt,
                        PendingCount = pending,
                    });
                    _toldPending = pending;
                }

                if (_isDirty && !IsInteractive) await Task.Delay(s_reportPeriod, _time, _gone.Token);
            }
        }
        catch (Exception failure) when (!_gone.IsCancellationRequested)
        {
            LogNotTold(failure, this.GetPrimaryKeyString());
            _isDirty = true;
            KeepTime();
        }
        catch (OperationCanceledException)
        {
            // The activation is gone; its successor tells.
        }
        finally
        {
            _isReporting = false;
        }
    }

    private void GiveUp(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }

    private ShardProgress Progress() => new(
        _state.Durable.Counts, _state.Durable.ResumedCount, _state.Durable.Outcomes.Count, _buffers.Values.Any(buffer => buffer.ReaderCount > 0));

    private ItemOutcome Outcome(ShardOutcome outcome) => new()
    {
        Item = _first + outcome.Item,
        Status = outcome switch { { Result: not null } => ItemStatus.Done, { Failure: not null } => ItemStatus.Failed, _ => ItemStatus.Cancelled },
        Spec = _specs.Durable.Items[outcome.Item],
        Result = outcome.Result,
        Failure = outcome.Failure,
    };

    /// <summary>Items that surely fit one message, judged by the largest.</summary>
    private int MostInMessage()
    {
        var largest = 512 + _specs.Durable.Items.Select(SpecBytes).DefaultIfEmpty().Max();
        return Math.Max(1, MaxMessageBytes / largest);
    }

    private static int SpecBytes(ItemSpec spec) => 3 * (
        (spec.Image?.Prompt.Length ?? 0) + (spec.Image?.NegativePrompt.Length ?? 0)
        + (spec.Chat?.Turns.Sum(turn => turn.Parts.Sum(part => (part.Text ?? part.PictureBlob ?? "").Length + 16)) ?? 0));

    private TokenBuffer Buffer(int item) => _buffers.TryGetValue(item, out var buffer) ? buffer : _buffers[item] = new TokenBuffer();
    private bool IsWatched(int item) => _buffers.TryGetValue(item, out var buffer) && buffer.ReaderCount > 0;
    private bool HasEnded(int item) => _state.Durable.Items[item].HasEnded;
    private bool IsInteractive => _specs.Durable.Job?.Priority == JobPriority.Interactive;
    private HeldItem Local(HeldItem held) => held with { Item = held.Item - _first };
    private static List<int> Running(ShardState state) => [.. Enumerable.Range(0, state.Items.Length).Where(item => state.Items[item].Status == ItemStatus.Running)];
}
