using Emu3.Grains.Interfaces;
using Emu3.Storage;
using Emu3.Storage.Blobs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Emu3.Grains.Jobs;

/// <summary>
/// See <see cref="IGenerationJob"/>. Decides like a shard: one step (<see cref="JobTransitions"/>), a write, then the answer. Here is what its owner asks
/// of it; what watchers are told is in <c>GenerationJob.Watching.cs</c>, what happens by itself in <c>GenerationJob.Upkeep.cs</c>.
/// </summary>
[Reentrant]
public sealed partial class GenerationJob : Grain, IGenerationJob, IDisposable
{
    private const int ShardsAtOnce = 32;

    private readonly DurableState<JobState, JobState> _state;
    private readonly IBlobStore _blobs;
    private readonly JobOptions _options;
    private readonly TimeProvider _time;
    private readonly SiloLife _life;
    private readonly JobMetrics _metrics;
    private readonly ClusterGauges _gauges;
    private readonly ILogger<GenerationJob> _logger;
    private readonly CancellationTokenSource _gone = new();

    private JobId _job;
    private JobProgress _progress = null!;
    private Task? _heardAll;
    private bool _isOpening;
    private bool _isEndCounted;

    public GenerationJob(
        [PersistentState("job", ClusterProviders.GrainStorage)] IPersistentState<JobState> row,
        IBlobStore blobs, IOptions<JobOptions> options, TimeProvider time, SiloLife life, JobMetrics metrics, ClusterGauges gauges,
        ILogger<GenerationJob> logger)
    {
        (_blobs, _options, _time, _life, _metrics, _gauges, _logger) = (blobs, options.Value, time, life, metrics, gauges, logger);
        _state = new(row, stored => stored, state => state, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _job = new JobId(this.GetPrimaryKeyString());
        _state.Load();
        _isEndCounted = _state.Current.IsTerminal; // by an earlier activation
        _progress = new JobProgress(_time, _state.Current);
        _lastAsked = _inStateSince = _time.GetTimestamp();
        if (_state.Current.Spec is { Priority: JobPriority.Interactive }) WatchForForsaken();
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _gone.Cancel();
        _gauges.JobGone(_job);
        return Task.CompletedTask;
    }

    public void Dispose() => _gone.Dispose();

    // :: Step 2 The job is durable before it is acknowledged.
    public async Task Open(JobSpec spec)
    {
        _isOpening = true; // Reconcile() must not take the job for one that never was
        try
        {
            await Index.Add(_job);
            if (_state.Current is { IsDeleted: true, Total: 0 })
            {
                await SweepAsync(); // what is left of a submission that was given up
                (_finish, _heardAll, _isEndCounted) = (null, null, false);
            }

            _state.Current = JobTransitions.Open(_state.Current, _job, spec, _time.GetUtcNow());
            _inStateSince = _time.GetTimestamp();
            await _state.SettleAsync();
        }
        finally
        {
            _isOpening = false;
        }

        if (spec.Priority == JobPriority.Interactive) WatchForForsaken();
    }

    public async Task<JobSnapshot> Seal(int total, string contentHash)
    {
        ThrowIfUnknown();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(total);
        ShardProgress[] tellings = [];
        if (_state.Current.Status == JobStatus.Open)
        {
            var sealedState = JobTransitions.Seal(_state.Current, _job, total, contentHash);
            await ThrowIfMoreItemsCameAsync(sealedState);
            await Index.Add(_job);
            if (Catalog is { } catalog) await catalog.Add(_job, sealedState.Spec!.CreatedAt);
            tellings = await EachShardAsync(sealedState.ShardCount, shard => Shard(shard).Seal(sealedState.ItemsOf(shard), sealedState.DesiredState));
        }

        var was = _state.Current;
        _state.Current = JobTransitions.Seal(was, _job, total, contentHash);
        if (was.Status == JobStatus.Open && !ReferenceEquals(was, _state.Current))
        {
            _progress = new JobProgress(_time, _state.Current);
            Hear(tellings);
        }

        await _state.SettleAsync();
        if (was.Status == JobStatus.Open && !_state.Current.IsTerminal)
        {
            LogAccepted(_job, was.Spec!.Tenant, total, was.Spec.Model);
            TellGauges();
            await PublishAsync(JobStatus.Queued);
            // Shards may offer their items from now on. What fails here, the dispatcher's next round does.
            _ = TryAsync("offer its items", TellShardsAsync);
        }

        return Snapshot();
    }

    public async Task<JobSnapshot> GetSnapshot()
    {
        ThrowIfUnknown();
        _lastAsked = _time.GetTimestamp();
        if (!_state.Current.IsTerminal) await HearAllAsync();
        await LookAtWebhookAsync();
        return Snapshot();
    }

    public async Task<JobSnapshot> Cancel()
    {
        ThrowIfUnknown();
        _state.Current = JobTransitions.Cancel(_state.Current, _time.GetUtcNow());
        await _state.SettleAsync();
        await FollowUpAsync();
        return Snapshot();
    }

    public Task<JobSnapshot> Pause() => DecideAsync(state => JobTransitions.Pause(state, _job));

    public async Task<JobSnapshot> Resume()
    {
        ThrowIfUnknown();
        // Items went on failing until their shards took up the pause: all of them are forgiven, not only those that were told of.
        if (_state.Current.Status == JobStatus.Paused) await TellShardsAsync();
        return await DecideAsync(state => JobTransitions.Resume(state, _job, _progress.Counts.Failed));
    }

    public Task<JobSnapshot> SetPriority(JobPriority priority) => DecideAsync(state => JobTransitions.SetPriority(state, _job, priority));

    public async Task<JobSnapshot> RetryFailed()
    {
        ThrowIfUnknown();
        _reopeningCount++;
        try
        {
            await HearAllAsync(); // also of a job that ended before this activation
            if (_finish is { } finish) await finish; // what follows the end of one attempt must not meet the next
            if (_state.Current.IsTerminal && _progress.Counts.Failed > 0)
            {
                await Index.Add(_job);
                await AnnounceAsync(); // the end of the attempt that is over
                (_finish, _isEndCounted) = (null, false);
            }

            return await DecideAsync(state => JobTransitions.RetryFailed(state, _job, _progress.Counts.Failed));
        }
        finally
        {
            _reopeningCount--;
            if (_state.Current.IsTerminal) _ = FinishAsync();
        }
    }

    public async Task Delete()
    {
        if (_state.Current.Spec is null) return;
        await Index.Add(_job); // so that a crash below is made good
        await _state.SettleAsync();
        await TellUsageAsync();
        if (_finish is { } finish) await finish; // it may be about to hand over a notice
        if (_state.Current is { IsTerminal: true, Spec.RequestKey: { } key }) await GrainFactory.GetGrain<IRequestKey>(key).Forget(_job);
        _state.Current = JobTransitions.Delete(_state.Current, _job, _time.GetUtcNow());
        await _state.SettleAsync();
        await RemoveAsync();
    }

    public async Task<bool> Expire(TimeSpan keep)
    {
        _state.ThrowIfFaulted();
        if (_state.Current.Spec is null || _state.Current.IsDeleted) return true;
        if (_state.Current.EndedAt is not { } ended || _time.GetUtcNow() - ended <= keep) return false;
        await Delete();
        return true;
    }

    /// <summary>What the owner wants becomes durable, then the shards are told; if some are not reached, the caller asks again, or the next reconciling tells them.</summary>
    private async Task<JobSnapshot> DecideAsync(Func<JobState, JobState> decide)
    {
        ThrowIfUnknown();
        if (!_state.Current.IsTerminal) await HearAllAsync();
        var was = _state.Current.Status;
        _state.Current = decide(_state.Current);
        await _state.SettleAsync();
        if (_state.Durable.Status is var status && status != was) await PublishAsync(status);
        await FollowUpAsync();
        return Snapshot();
    }

    /// <summary>A retry with fewer items: those of the first try lie beyond its end. They came at most a few shards ahead.</summary>
    private async Task ThrowIfMoreItemsCameAsync(JobState state)
    {
        if (state.Spec!.Priority == JobPriority.Interactive) return; // under a fresh id
        var beyond = await Task.WhenAll(Enumerable.Range(state.ShardCount, ShardsAhead).Select(shard => Shard(shard).HasItems()));
        if (beyond.Contains(true)) throw new IdempotencyConflictException(_job.Value);
    }

    private JobSnapshot Snapshot()
    {
        _state.ThrowIfFaulted();
        var state = _state.Durable;
        var counts = state.IsTerminal ? state.FinalCounts : _progress.Counts;
        var rate = state.Status is JobStatus.Running or JobStatus.Cancelling ? _progress.ItemsPerSecond() : null;
        return new()
        {
            Id = _job,
            Spec = state.Spec!,
            Status = state.Status,
            Counts = counts,
            Priority = state.DesiredState.Priority,
            PauseReason = state.PauseReason,
            Attempt = state.DesiredState.Attempt,
            StartedAt = state.StartedAt,
            EndedAt = state.EndedAt,
            ItemsPerSecond = rate,
            Eta = rate is > 0 ? TimeSpan.FromSeconds((counts.Total - counts.Ended) / rate.Value) : null,
            ResumedCount = state.IsTerminal ? state.FinalResumedCount : _progress.ResumedCount,
            Webhook = WebhookOf(state),
        };
    }

    private void ThrowIfUnknown()
    {
        _state.ThrowIfFaulted();
        if (_state.Durable.Spec is not null && !_state.Durable.IsDeleted) return;
        if (!_isOpening) DeactivateOnIdle();
        throw new JobNotFoundException(_job.Value);
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure, _job);
        DeactivateOnIdle();
    }

    private IJobIndex Index => GrainFactory.GetGrain<IJobIndex>(IJobIndex.PartOf(_job));

    /// <summary>Where its tenant finds it; interactive jobs are not listed.</summary>
    private IJobCatalog? Catalog => _state.Current.Spec is { Priority: not JobPriority.Interactive } spec ? GrainFactory.GetGrain<IJobCatalog>(IJobCatalog.KeyOf(spec.Tenant)) : null;
    private IJobShard Shard(int number) => GrainFactory.GetGrain<IJobShard>(_job.Shard(number));

    /// <summary>A few at a time, on the grain's own scheduler.</summary>
    private static async Task<T[]> EachShardAsync<T>(int shardCount, Func<int, Task<T>> call)
    {
        using var places = new SemaphoreSlim(ShardsAtOnce);
        return await Task.WhenAll(Enumerable.Range(0, shardCount).Select(async shard =>
        {
            await places.WaitAsync();
            try
            {
                return await call(shard);
            }
            finally
            {
                places.Release();
            }
        }));
    }
}
