using System.Runtime.CompilerServices;
using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>What watchers of a job are told, and what happens when there are none.</summary>
public sealed partial class GenerationJob
{
    private const int OutcomesAtOnce = 64;
    private static readonly TimeSpan s_progressPeriod = TimeSpan.FromMilliseconds(500);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _watcherCount;
    private long _lastAsked;

    public async IAsyncEnumerable<JobEvent> Watch(JobCursor cursor, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ThrowIfUnknown();
        // A job that ended has an outcome for each item; only one that was attempted again must be asked for how many.
        if (!_state.Current.IsTerminal || _state.Current.DesiredState.Attempt > 1) await HearAllAsync();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _life.Stopping, _gone.Token);
        _watcherCount++;
        try
        {
            (ItemCounts, JobStatus)? told = null;
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

                var now = (snapshot.Counts, snapshot.Status);
                var sinceTold = toldAt is { } at ? _time.GetElapsedTime(at) : TimeSpan.MaxValue;
                if (told != now && sinceTold >= s_progressPeriod)
                {
                    (told, toldAt) = (now, _time.GetTimestamp());
                    yield return new() { Cursor = cursor, Job = snapshot };
                    continue;
                }

                await (told == now
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

    private void TellWatchers()
    {
        TellGauges();
        var changed = _changed;
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.TrySetResult();
    }

    private void TellGauges()
    {
        if (_state.Durable is { Spec: null } or { IsTerminal: true } or { IsDeleted: true } or { Status: JobStatus.Open }) _gauges.JobGone(_job);
        else _gauges.JobStands(_job, Snapshot());
    }

    /// <summary>An interactive job that nobody watches is cancelled.</summary>
    private void WatchForForsaken()
    {
        var patience = _state.Current.Spec!.RequestKey is null ? _options.InteractivePatience : _options.KeyedPatience;
        var period = patience / 3;
        this.RegisterGrainTimer(async _ =>
        {
            if (_state.Current.IsTerminal || _watcherCount > 0 || _time.GetElapsedTime(_lastAsked) < patience) return;
            LogForsaken(_job);
            await Cancel();
        }, new GrainTimerCreationOptions(period, period) { Interleave = true });
    }

    private async Task PublishAsync(JobStatus status)
    {
        try
        {
            var stream = this.GetStreamProvider(JobLifecycleEvent.Stream).GetStream<JobLifecycleEvent>(StreamId.Create(JobLifecycleEvent.Stream, _job.Value));
            var id = $"{_job}/{_state.Durable.DesiredState.Revision}/{status}".ToLowerInvariant();
            await stream.OnNextAsync(new JobLifecycleEvent(id, _job, status, _time.GetUtcNow()));
        }
        catch (Exception failure)
        {
            // A hint only: listeners look at the job.
            LogNotDone(failure, _job, "tell its listeners");
        }
    }
}
