using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>What a job does by itself: hear its shards, repeat what a crash left out, tidy up after its end, and go.</summary>
public sealed partial class GenerationJob
{
    // A submission sends a few pieces at once, so that items of a later shard may be there before those of an earlier one.
    private const int ShardsAhead = 4;

    /// <summary>Between two rounds of the dispatcher.</summary>
    private static readonly TimeSpan s_longestRound = TimeSpan.FromHours(1);

    private Task<bool>? _finish;
    private int _reopeningCount;

    // When this activation saw the job opened or ended, or began itself. Times that were stored are those of a wall clock, which may have been set since:
    // nothing is taken from a job before that much time has also passed here.
    private long _inStateSince;

    public async Task Reconcile()
    {
        if (_isOpening) return;
        if (_state.Current.Spec is null)
        {
            await Index.Remove(_job);
            DeactivateOnIdle();
            return;
        }

        var now = _time.GetUtcNow();
        var looked = JobTransitions.AbortIfForsaken(_state.Current, _options.OpenAtMost, now);
        if (!ReferenceEquals(looked, _state.Current) && HasPassed(_options.OpenAtMost)) _state.Current = looked;
        await _state.SettleAsync();
        var state = _state.Current;
        if (state.IsDeleted) await RemoveAsync();
        else if (state is { IsTerminal: true, Spec.Priority: JobPriority.Interactive } && now - state.EndedAt > _options.InteractiveKeep && HasPassed(_options.InteractiveKeep)) await Delete();
        else if (state.IsTerminal) await FinishAsync();
        else if (state.ShardCount > 0) await TellShardsAsync();
    }

    public async Task ShardChanged(int shard, ShardProgress progress)
    {
        if (_state.Current.Spec is null || _state.Current.IsTerminal) return;
        if (progress.IsWatched) _lastAsked = _time.GetTimestamp();
        if (_heardAll is null) _ = TryAsync("look at its shards", HearAllAsync); // others may have told what a predecessor forgot
        if (_progress.Update(shard, progress)) await ProgressedAsync();
    }

    /// <summary>Completes when this activation has heard every shard. Shares one look at them among all who come before it is done.</summary>
    private async Task HearAllAsync()
    {
        var heard = _heardAll ??= TellShardsAsync();
        try
        {
            await heard;
        }
        catch
        {
            if (ReferenceEquals(_heardAll, heard)) _heardAll = null;
            throw;
        }
    }

    /// <summary>Brings job and shards to one state, whatever was lost on the way: each shard is sent the desired state and reports its progress.</summary>
    private async Task TellShardsAsync()
    {
        var state = _state.Durable;
        if (state.ShardCount == 0) return;
        Hear(await EachShardAsync(state.ShardCount, shard => Shard(shard).Reconcile(state.DesiredState)));
        await ProgressedAsync();
    }

    private void Hear(ShardProgress[] tellings)
    {
        for (var shard = 0; shard < tellings.Length; shard++) _progress.Update(shard, tellings[shard]);
        _heardAll ??= Task.CompletedTask;
    }

    private async Task ProgressedAsync()
    {
        var was = _state.Current;
        _state.Current = JobTransitions.Progress(was, _progress.Counts, _progress.ResumedCount, _progress.IsOfAttempt(was.DesiredState.Attempt), _time.GetUtcNow());
        var now = _state.Current;
        await _state.SettleAsync();
        TellWatchers();
        if (was.Status == JobStatus.Queued && now.Status == JobStatus.Running) await PublishAsync(JobStatus.Running);
        if (now.Status == JobStatus.Paused && was.Status != JobStatus.Paused)
        {
            LogPaused(_job, _progress.Counts.Failed);
            await PublishAsync(JobStatus.Paused);
            _ = TryAsync("pause its shards", FollowUpAsync);
        }

        if (now.IsTerminal && !was.IsTerminal)
        {
            _inStateSince = _time.GetTimestamp();
            await FinishAsync();
        }
    }

    /// <summary>Whether so much time has passed here. If not, this activation stays until a later round finds that it has.</summary>
    private bool HasPassed(TimeSpan time)
    {
        var left = time - _time.GetElapsedTime(_inStateSince);
        if (left < TimeSpan.Zero) return true;
        DelayDeactivation(left + s_longestRound);
        return false;
    }

    /// <summary>What follows a decision that is durable: shards that have not heard of it are told, an end is tidied up after.</summary>
    private async Task FollowUpAsync()
    {
        if (_state.Current.IsTerminal) await FinishAsync();
        else if (!_progress.HasTakenUp(_state.Durable.DesiredState)) await TellShardsAsync();
        else TellWatchers();
    }

    /// <summary>What follows a terminal state that is durable. May be repeated.</summary>
    private async Task FinishAsync()
    {
        if (_reopeningCount > 0) return;
        var finish = _finish ??= TryAsync("tidy up after its end", TidyUpAsync);
        if (!await finish && ReferenceEquals(_finish, finish)) _finish = null;
    }

    private async Task TidyUpAsync()
    {
        var state = _state.Durable;
        LogEnded(_job, state.Status, state.FinalCounts.Done, state.FinalCounts.Failed, state.FinalCounts.Cancelled, state.FinalResumedCount);
        if (!_isEndCounted) _metrics.JobEnded(state.Status);
        _isEndCounted = true;
        TellWatchers();
        await PublishAsync(state.Status);
        await AnnounceAsync();
        if (state.Total == 0) await DeleteShardsAsync();
        await _blobs.DeletePrefixAsync(BlobKeys.ResumePoints(_job));
        await TellUsageAsync();
        // Interactive jobs stay in the index until they are removed, so that the dispatcher's rounds come by.
        if (state.Spec!.Priority != JobPriority.Interactive) await Index.Remove(_job);
    }

    /// <summary>
    /// A deleted job goes in two sweeps. The first is at once. A silo or worker that was cut off may write a file, a checkpoint or a row of it even then;
    /// so the job's row stays as a tombstone, and the second sweep comes when none of them can be left, and takes the tombstone along.
    /// </summary>
    private async Task RemoveAsync()
    {
        var until = _state.Current.DeletedAt + _options.DeletedKeep;
        if (Catalog is { } catalog) await catalog.Remove(_job, _state.Current.Spec!.CreatedAt);
        await SweepAsync();
        if (until > _time.GetUtcNow())
        {
            await Index.Bury(_job, until.Value);
        }
        else
        {
            await _state.ClearAsync();
            await Index.Remove(_job);
        }

        DeactivateOnIdle();
    }

    /// <summary>Removes all that is there of the job but its own row.</summary>
    private async Task SweepAsync()
    {
        await ForgetNoticesAsync();
        await DeleteShardsAsync();
        await _blobs.DeletePrefixAsync(BlobKeys.Job(_state.Current.Spec!.Tenant, _job));
        await _blobs.DeletePrefixAsync(BlobKeys.ResumePoints(_job));
    }

    /// <summary>A job that was never sealed does not know its shards: it looks until so many in a row have nothing.</summary>
    private async Task DeleteShardsAsync()
    {
        await EachShardAsync(_state.Current.ShardCount, DeleteShardAsync);
        if (_state.Current.Total > 0) return;
        for (var (shard, empty) = (0, 0); empty < ShardsAhead; shard++)
        {
            empty = await Shard(shard).HasItems() ? 0 : empty + 1;
            if (empty == 0) await DeleteShardAsync(shard);
        }
    }

    private async Task<bool> DeleteShardAsync(int shard)
    {
        await Shard(shard).Delete();
        return true;
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
}
