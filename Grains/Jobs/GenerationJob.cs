using System.Runtime.CompilerServices;
using Emu3.Grains.Interfaces;
using Emu3.Storage;
using Emu3.Storage.Blobs;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Emu3.Grains.Jobs;

/// <summary>See <see cref="IGenerationJob"/>. Decides like a shard: one step (<see cref="JobTransitions"/>), a write, then the answer.</summary>
[Reentrant]
public sealed partial class GenerationJob : Grain, IGenerationJob, IDisposable
{
    private const int ShardsAtOnce = 32;
    private const int OutcomesAtOnce = 64;

    // An unsealed job does not know its shards: it looks until so many in a row have nothing.
    private const int EmptyShardsInARow = 8;
    private static readonly TimeSpan s_progressPeriod = TimeSpan.FromMilliseconds(500);

    private readonly DurableState<JobState, JobState> _state;
    private readonly IBlobStore _blobs;
    private readonly JobOptions _options;
    private readonly TimeProvider _time;
    private readonly SiloLife _life;
    private readonly ILogger<GenerationJob> _logger;
    private readonly CancellationTokenSource _gone = new();

    private JobId _job;
    private JobProgress _progress = null!;
    private Task? _reconciled;
    private bool _isOpening;
    private bool _isFinishing; // or finished
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _watcherCount;
    private long _lastAsked;

    public GenerationJob(
        [PersistentState("job", ClusterProviders.GrainStorage)] IPersistentState<JobState> row,
        IBlobStore blobs, IOptions<JobOptions> options, TimeProvider time, SiloLife life, ILogger<GenerationJob> logger)
    {
        (_blobs, _options, _time, _life, _logger) = (blobs, options.Value, time, life, logger);
        _state = new(row, stored => stored, state => state, GiveUp);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _job = new JobId(this.GetPrimaryKeyString());
        _state.Load();
        _progress = new JobProgress(_time, _state.Current);
        _lastAsked = _time.GetTimestamp();
        if (_state.Current.Spec is { Priority: JobPriority.Interactive }) WatchForForsaken();
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _gone.Cancel();
        return Task.CompletedTask;
    }

    public void Dispose() => _gone.Dispose();

    // :: Step 2 The job is durable before it is acknowledged.
    public async Task Open(JobSpec spec)
    {
        _isOpening = true; // Resume() must not take the job for one that never was
        try
        {
            await Index.Add(_job);
            _state.Current = JobTransitions.Open(_state.Current, _job, spec, _time.GetUtcNow());
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
        if (_state.Current.Status == JobStatus.Open)
        {
            var sealedState = JobTransitions.Seal(_state.Current, _job, total, contentHash);
            await Index.Add(_job);
            await EachShardAsync(sealedState.ShardCount, shard => Shard(shard).Seal(sealedState.ItemsOf(shard)));
        }

        var was = _state.Current;
        _state.Current = JobTransitions.Seal(was, _job, total, contentHash);
        if (was.Status == JobStatus.Open && !ReferenceEquals(was, _state.Current))
        {
            _progress = new JobProgress(_time, _state.Current);
            _reconciled = Task.CompletedTask; // nothing has begun, as the fresh progress says
        }

        await _state.SettleAsync();
        if (was.Status == JobStatus.Open && !_state.Current.IsTerminal)
        {
            LogAccepted(_job, was.Spec!.Tenant, total, was.Spec.Model);
            await PublishAsync(JobStatus.Queued);
            // Shards may offer their items from now on. What fails here, the dispatcher's next round does.
            _ = TryAsync("offer its items", ReconcileAsync);
        }

        return Snapshot();
    }

    public async Task<JobSnapshot> GetSnapshot()
    {
        ThrowIfUnknown();
        _lastAsked = _time.GetTimestamp();
        await ReconciledAsync();
        return Snapshot();
    }

    public async IAsyncEnumerable<JobEvent> Watch(JobCursor cursor, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ThrowIfUnknown();
        await ReconciledAsync();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _life.Stopping, _gone.Token);
        _watcherCount++;
        try
        {
            ItemCounts? told = null;
            long? toldAt = null;
            while (true)
            {
                ending.Token.ThrowIfCancellationRequested();
                var changed = _changed.Task;
                for (var shard = 0; shard < _progress.ShardCount; shard++)
                {
                    while (cursor.Of(shard) < _progress.OutcomesOf(shard))
                    {
                        var outcomes = await Shard(shard).ReadOutcomes(cursor.Of(shard), OutcomesAtOnce);
                        foreach (var outcome in outcomes)
                        {
                            cursor = cursor.Advance(shard);
                            yield return new() { Cursor = cursor, Job = Snapshot(), Outcome = outcome };
                        }
                    }
                }

                var snapshot = Snapshot();
                var isAtEnd = Enumerable.Range(0, _progress.ShardCount).All(shard => cursor.Of(shard) >= _progress.OutcomesOf(shard));
                if (snapshot.IsTerminal && isAtEnd)
                {
                    yield return new() { Cursor = cursor, Job = snapshot, IsLast = true };
                    yield break;
                }

                var sinceTold = toldAt is { } at ? _time.GetElapsedTime(at) : TimeSpan.MaxValue;
                if (told != snapshot.Counts && sinceTold >= s_progressPeriod)
                {
                    (told, toldAt) = (snapshot.Counts, _time.GetTimestamp());
                    yield return new() { Cursor = cursor, Job = snapshot };
                    continue;
                }

                await (told == snapshot.Counts
                    ? changed.WaitAsync(ending.Token)
                    : Task.WhenAny(changed, Task.Delay(s_progressPeriod - sinceTold, _time, ending.Token)));
            }
        }
        finally
        {
            _watcherCount--;
            _lastAsked = _time.GetTimestamp();
        }
    }

    public async Task<JobSnapshot> Cancel()
    {
        ThrowIfUnknown();
        var was = _state.Current;
        _state.Current = JobTransitions.Cancel(was, _time.GetUtcNow());
        await _state.SettleAsync();
        if (!was.IsTerminal) await ReconcileAsync();
        return Snapshot();
    }

    public async Task Resume()
    {
        if (_isOpening) return;
        if (_state.Current.Spec is null)
        {
            await Index.Remove(_job);
            DeactivateOnIdle();
            return;
        }

        _state.Current = JobTransitions.AbortIfForsaken(_state.Current, _options.OpenAtMost, _time.GetUtcNow());
        await _state.SettleAsync();
        if (_state.Current.IsDeleted) await RemoveAllAsync();
        else if (_state.Current is { IsTerminal: true, Spec.Priority: JobPriority.Interactive } && _time.GetUtcNow() - _state.Current.EndedAt > _options.InteractiveKeep) await Delete();
        else await ReconcileAsync();
    }

    public async Task ShardChanged(int shard, ShardProgress progress)
    {
        if (_state.Current.Spec is null || _state.Current.IsTerminal) return;
        if (progress.IsWatched) _lastAsked = _time.GetTimestamp();
        if (_reconciled is null) _ = TryAsync("look at its shards", ReconciledAsync); // others may have told what a predecessor forgot
        if (_progress.Update(shard, progress)) await ProgressedAsync();
    }

    public async Task Delete()
    {
        if (_state.Current.Spec is null) return;
        if (!_state.Current.IsTerminal) throw new InvalidOperationException($"Job {_job} has not ended; cancel it first.");
        await Index.Add(_job); // so that a crash below is made good
        _state.Current = _state.Current with { IsDeleted = true };
        await _state.SettleAsync();
        await RemoveAllAsync();
    }

    private async Task RemoveAllAsync()
    {
        await EachShardAsync(_state.Current.ShardCount, shard => Shard(shard).Delete());
        await _blobs.DeletePrefixAsync(BlobKeys.Job(_state.Current.Spec!.Tenant, _job));
        await Index.Remove(_job);
        DeactivateOnIdle();
    }

    /// <summary>Shares one look at all shards among all who come before it is done.</summary>
    private async Task ReconciledAsync()
    {
        if (_state.Current.IsTerminal) return;
        var reconciled = _reconciled ??= ReconcileAsync();
        try
        {
            await reconciled;
        }
        catch
        {
            if (ReferenceEquals(_reconciled, reconciled)) _reconciled = null;
            throw;
        }
    }

    /// <summary>Brings job and shards to one state, whatever was lost on the way: repeats what a crash may have left out.</summary>
    private async Task ReconcileAsync()
    {
        var state = _state.Current;
        if (state is { IsTerminal: false, ShardCount: > 0 })
        {
            var tellings = new ShardProgress[state.ShardCount];
            await EachShardAsync(state.ShardCount, async shard =>
                tellings[shard] = state.Status == JobStatus.Cancelling ? await Shard(shard).Cancel() : await Shard(shard).Resume());
            for (var shard = 0; shard < tellings.Length; shard++) _progress.Update(shard, tellings[shard]);
            _reconciled ??= Task.CompletedTask;
            await ProgressedAsync();
        }
        else if (state.IsTerminal)
        {
            await FinishAsync();
        }
    }

    private async Task ProgressedAsync()
    {
        var was = _state.Current;
        _state.Current = JobTransitions.Progress(was, _progress.Counts, _progress.ResumedCount, _time.GetUtcNow());
        await _state.SettleAsync();
        var changed = _changed;
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.TrySetResult();
        if (was.Status == JobStatus.Queued && _state.Current.Status == JobStatus.Running) await PublishAsync(JobStatus.Running);
        if (_state.Durable.IsTerminal) await FinishAsync();
    }

    /// <summary>What follows a terminal state that is durable. May be repeated.</summary>
    private async Task FinishAsync()
    {
        if (_isFinishing) return;
        _isFinishing = true;
        _isFinishing = await TryAsync("tidy up after its end", async () =>
        {
            var state = _state.Durable;
            LogEnded(_job, state.Status, state.FinalCounts.Done, state.FinalCounts.Failed, state.FinalCounts.Cancelled, state.FinalResumedCount);
            await PublishAsync(state.Status);
            if (state.Total == 0) await DeleteUnsealedAsync();
            await _blobs.DeletePrefixAsync(BlobKeys.Checkpoints(_job));
            // Interactive jobs stay in the index until they are removed, so that the dispatcher's rounds come by.
            if (state.Spec!.Priority != JobPriority.Interactive) await Index.Remove(_job);
        });
    }

    private async Task DeleteUnsealedAsync()
    {
        for (var (shard, empty) = (0, 0); empty < EmptyShardsInARow; shard++)
        {
            empty = await Shard(shard).HasItems() ? 0 : empty + 1;
            await Shard(shard).Delete();
        }
    }

    /// <summary>An interactive job that nobody watches is cancelled.</summary>
    private void WatchForForsaken()
    {
        var period = _options.InteractivePatience / 3;
        this.RegisterGrainTimer(async _ =>
        {
            if (_state.Current.IsTerminal || _watcherCount > 0 || _time.GetElapsedTime(_lastAsked) < _options.InteractivePatience) return;
            LogForsaken(_job);
            await Cancel();
        }, new GrainTimerCreationOptions(period, period) { Interleave = true });
    }

    private async Task PublishAsync(JobStatus status)
    {
        try
        {
            var stream = this.GetStreamProvider(JobLifecycleEvent.Stream).GetStream<JobLifecycleEvent>(StreamId.Create(JobLifecycleEvent.Stream, _job.Value));
            await stream.OnNextAsync(new JobLifecycleEvent($"{_job}/{status}".ToLowerInvariant(), _job, status, _time.GetUtcNow()));
        }
        catch (Exception failure)
        {
            // A hint only: listeners look at the job.
            LogNotDone(failure, _job, "tell its listeners");
        }
    }

    private async Task<bool> TryAsync(string what, Func<Task> work)
    {
        try
        {
            await work();
            return true;
        }
        catch (Exception failure)
        {
            LogNotDone(failure, _job, what);
            return false;
        }
    }

    private JobSnapshot Snapshot()
    {
        _state.ThrowIfVoid();
        var state = _state.Durable;
        var counts = state.IsTerminal ? state.FinalCounts : _progress.Counts;
        var rate = state.IsTerminal ? null : _progress.ItemsPerSecond();
        return new()
        {
            Id = _job,
            Spec = state.Spec!,
            Status = state.Status,
            Counts = counts,
            Priority = state.Spec!.Priority,
            StartedAt = state.StartedAt,
            EndedAt = state.EndedAt,
            ItemsPerSecond = rate,
            Eta = rate is > 0 ? TimeSpan.FromSeconds((counts.Total - counts.Ended) / rate.Value) : null,
            ResumedCount = state.IsTerminal ? state.FinalResumedCount : _progress.ResumedCount,
        };
    }

    private void ThrowIfUnknown()
    {
        _state.ThrowIfVoid();
        if (_state.Durable.Spec is not null && !_state.Durable.IsDeleted) return;
        if (!_isOpening) DeactivateOnIdle();
        throw new JobNotFoundException(_job.Value);
    }

    private void GiveUp(Exception failure)
    {
        LogNotStored(failure, _job);
        DeactivateOnIdle();
    }

    private IJobIndex Index => GrainFactory.GetGrain<IJobIndex>(IJobIndex.PartOf(_job));
    private IJobShard Shard(int number) => GrainFactory.GetGrain<IJobShard>(_job.Shard(number));

    /// <summary>A few at a time, on the grain's own scheduler.</summary>
    private static async Task EachShardAsync(int shardCount, Func<int, Task> call)
    {
        using var places = new SemaphoreSlim(ShardsAtOnce);
        await Task.WhenAll(Enumerable.Range(0, shardCount).Select(async shard =>
        {
            await places.WaitAsync();
            try
            {
                await call(shard);
            }
            finally
            {
                places.Release();
            }
        }));
    }
}
