using System.Globalization;
using Emu3.Grains.Interfaces;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Jobs;

/// <summary>
/// See <see cref="IJobShard"/>. What it decides and stores is in <see cref="ShardItems"/>; this is the door to it, with the clock's ticks, the watch for
/// dead silos and, in <c>JobShard.Reading.cs</c>, what readers get.
/// </summary>
[Reentrant]
public sealed partial class JobShard : Grain, IJobShard, IDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);

    private readonly ShardItems _items;
    private readonly DurableState<ShardSpecs, ShardSpecs> _specs;
    private readonly TimeProvider _time;
    private readonly SiloLife _life;
    private readonly SiloMembers _members;
    private readonly DeadSiloWatch _deadSilos;
    private readonly JobMetrics _metrics;
    private readonly ILogger<JobShard> _logger;
    private readonly CancellationTokenSource _gone = new();

    private JobId _job;
    private int _number;
    private int _first; // index in the job of the shard's first item
    private ShardReporter _reporter = null!;
    private IGrainTimer? _timer;
    private bool _mayOffer; // the job is accepted: it said so by Reconcile(), or items were leased before

    public JobShard(
        [PersistentState("shard", ClusterProviders.GrainStorage)] IPersistentState<ShardRow> row,
        [PersistentState("shard.settled", ClusterProviders.GrainStorage)] IPersistentState<SettledRow> settledRow,
        [PersistentState("shard.specs", ClusterProviders.GrainStorage)] IPersistentState<ShardSpecs> specsRow,
        TimeProvider time, SiloLife life, SiloMembers members, DeadSiloWatch deadSilos, JobMetrics metrics, ILogger<JobShard> logger)
    {
        (_time, _life, _members, _deadSilos, _metrics, _logger) = (time, life, members, deadSilos, metrics, logger);
        _items = new(row, settledRow, time, OnWriteFailed, new Throttle(ShardItems.WritePeriod, time));
        _specs = new(specsRow, stored => stored, stored => stored, OnWriteFailed);
    }

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var key = this.GetPrimaryKeyString();
        var parts = key.Split('/');
        _job = new JobId(parts[0]);
        _number = int.Parse(parts[1], CultureInfo.InvariantCulture);
        _first = _number * JobId.ItemsInShard;
        await _items.LoadAsync();
        _specs.Load();
        _reporter = new(key, GrainFactory, Tell, _time, _logger, _gone.Token);
        _deadSilos.Add(key, this.AsReference<IJobShard>());
        await DropLeasesOfGoneSilosAsync();
        _mayOffer = _items.Durable.Items.Any(item => item.Epoch > 0);
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
        if (known < items.Count)
        {
            if (_items.Durable.IsSealed) throw new IdempotencyConflictException(_job.Value);
            _specs.Current = new() { Job = _specs.Current.Job ?? job, Items = [.. have, .. items.Skip(known)] };
        }

        return _specs.SettleAsync();
    }

    public async Task<ShardProgress> Seal(int itemCount, DesiredState desired)
    {
        if (_specs.Current.Items.Count != itemCount) throw new IdempotencyConflictException(_job.Value);
        await _specs.SettleAsync();
        await _items.SealAsync(itemCount, desired);
        return Progress();
    }

    public async Task<LeaseGrant> Acquire(WorkerId worker, int most)
    {
        if (_specs.Current.Job is not { } job) throw new JobNotFoundException(_job.Value);
        // A request that comes out of the pipe after its sender's death would get what nobody runs.
        var granted = await _items.AcquireAsync(worker, _members.IsGone(worker.Silo) ? 0 : Math.Min(most, MaxInMessage()));
        KeepTime();
        _reporter.Given();
        return new()
        {
            Tenant = job.Tenant,
            WeightsHash = job.WeightsHash,
            Model = job.Model,
            PendingCount = _items.Durable.Counts.Pending,
            IsInteractive = IsInteractive,
            TraceParent = job.TraceParent,
            Leases = [.. granted.Select(grant => new Lease
            {
                Item = _first + grant.Item,
                Epoch = grant.State.Epoch,
                Spec = _specs.Durable.Items[grant.Item],
                IsSuspect = grant.State.Suspicion > 0,
                RunsAlone = grant.State.RunsAlone,
                IsWatched = IsInteractive || IsWatched(grant.Item),
            })],
        };
    }

    public async Task<HeartbeatReply> Heartbeat(WorkerId worker, IReadOnlyList<HeldItem> held)
    {
        var (dropped, listed) = await _items.HeartbeatAsync(worker, [.. held.Select(Local)]);
        _reporter.Report();
        return new()
        {
            Dropped = [.. dropped.Select(item => item + _first)],
            Watched = [.. listed.Where(IsWatched).Select(item => item + _first)],
        };
    }

    // :: Step 7 Records each result once; its file was in the blob store before.
    public async Task<ReportReply> Complete(WorkerId worker, int item, int epoch, ItemResult result) =>
        Ended(item - _first, await _items.CompleteAsync(worker, item - _first, epoch, result), result.GeneratedTokens);

    public async Task<ReportReply> Fail(WorkerId worker, int item, int epoch, ItemFailure failure) =>
        Ended(item - _first, await _items.FailAsync(worker, item - _first, epoch, failure), null);

    public async Task Release(WorkerId worker, IReadOnlyList<HeldItem> items)
    {
        await _items.ReleaseAsync(worker, [.. items.Select(Local)]);
        _reporter.Report();
    }

    public async Task SiloGone(string silo)
    {
        await DropLeasesOfAsync(silo, isSeen: true);
        _reporter.Report();
    }

    public async Task<ShardProgress> Reconcile(DesiredState desired)
    {
        await _items.ApplyAsync(desired);
        EndBuffers();
        await DropLeasesOfGoneSilosAsync();
        _mayOffer = true;
        _reporter.OfferAgain();
        return Progress();
    }

    public Task OfferAgain()
    {
        _reporter.OfferAgain();
        return Task.CompletedTask;
    }

    public Task<bool> HasItems()
    {
        _specs.ThrowIfFaulted();
        return Task.FromResult(_specs.Durable.Items.Count > 0);
    }

    public async Task Delete()
    {
        await _items.ClearAsync();
        await _specs.ClearAsync();
        DeactivateOnIdle();
    }

    private ReportReply Ended(int item, ReportReply reply, int? tokenCount)
    {
        if (reply == ReportReply.Accepted) EndBuffer(item, tokenCount);
        _reporter.Report();
        return reply;
    }

    private async Task DropLeasesOfGoneSilosAsync()
    {
        foreach (var silo in await _members.FindGoneAsync(_items.HolderSilos)) await DropLeasesOfAsync(silo, isSeen: false);
    }

    private async Task DropLeasesOfAsync(string silo, bool isSeen)
    {
        var lost = await _items.SiloGoneAsync(silo, isSeen);
        if (lost.Count == 0) return;
        LogSiloGone(this.GetPrimaryKeyString(), silo, lost.Count);
        EndBuffers(); // of what is poison
        if (!isSeen) return;
        foreach (var (worker, item, _) in lost.Where(lease => lease.Counts)) _ = BlameAsync(worker, _first + item);
    }

    /// <summary>The ledger of devices hears of it. A telling that is lost makes a device look better than it is, no more.</summary>
    private async Task BlameAsync(WorkerId worker, int item)
    {
        try
        {
            await GrainFactory.GetGrain<IDeviceLedger>(0).DiedWith(worker, _job, item);
        }
        catch (Exception failure)
        {
            LogNotBlamed(failure, worker, _job, item);
        }
    }

    /// <summary>Looks at the clock every second while something runs, is read or could not be told.</summary>
    private void KeepTime() => _timer ??= HasToTick ? this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(s_tick, s_tick) { Interleave = true, KeepAlive = true }) : null;

    private async Task TickAsync(CancellationToken cancellationToken)
    {
        var expired = await _items.TakeBackExpiredAsync();
        if (expired > 0)
        {
            LogDeadline(this.GetPrimaryKeyString(), expired);
            _metrics.LeasesExpired(expired);
        }

        ForgetBuffers();
        if (_reporter.IsDirty || expired > 0 || _buffers.Count > 0) _reporter.Report();
        if (HasToTick) return;
        _timer?.Dispose();
        _timer = null;
    }

    private bool HasToTick => _items.HasRunning || _buffers.Count > 0 || _reporter.IsDirty;

    private ShardReport Tell()
    {
        var state = _items.Durable;
        var job = _specs.Durable.Job;
        var offer = _mayOffer && job is not null
            ? new ShardOffer
            {
                Job = _job,
                Shard = _number,
                Tenant = job.Tenant,
                WeightsHash = job.WeightsHash,
                Priority = state.DesiredState.Revision > 0 ? state.DesiredState.Priority : job.Priority,
                CreatedAt = job.CreatedAt,
                PendingCount = state.DesiredState.IsPaused ? 0 : state.Counts.Pending,
            }
            : null;
        return new(_job, _number, Progress(), offer, IsInteractive);
    }

    private ShardProgress Progress()
    {
        var state = _items.Durable;
        return new(
            state.Counts, state.ResumedCount, state.Outcomes.Length, _buffers.Values.Any(buffer => buffer.ReaderCount > 0),
            state.DesiredState.Revision, state.DesiredState.Attempt);
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }

    private bool IsInteractive => _specs.Durable.Job?.Priority == JobPriority.Interactive;
    private HeldItem Local(HeldItem held) => held with { Item = held.Item - _first };
}
