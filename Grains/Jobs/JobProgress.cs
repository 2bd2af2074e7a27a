using Emu3.Grains.Interfaces;

namespace Emu3.Grains.Jobs;

/// <summary>What a job's shards last told, added up, and how fast items end. An activation's own: it begins with nothing and asks.</summary>
public sealed class JobProgress
{
    private static readonly TimeSpan s_window = TimeSpan.FromMinutes(1);
    private readonly TimeProvider _time;
    private readonly ShardProgress[] _shards;
    private readonly Queue<(long At, int Ended)> _samples = [];
    private int _endedCount; // items that ended while this looked

    /// <param name="time">Its monotonic clock measures the rate.</param>
    /// <param name="state">The job. Nothing has started in a shard that has not told; in a job that has ended everything has.</param>
    public JobProgress(TimeProvider time, JobState state)
    {
        _time = time;
        _shards = [.. Enumerable.Range(0, state.ShardCount).Select(shard =>
            new ShardProgress(new ItemCounts(state.ItemsOf(shard), 0, 0, 0, 0), 0, state.IsTerminal ? state.ItemsOf(shard) : 0, false, 0, 0))];
        Counts = new(state.Total, 0, 0, 0, 0);
    }

    public ItemCounts Counts { get; private set; }
    public int ResumedCount { get; private set; }
    public int ShardCount => _shards.Length;

    /// <summary>Outcomes that a shard has.</summary>
    public int OutcomesOf(int shard) => _shards[shard].OutcomeCount;

    /// <summary>Whether every shard has told of an attempt.</summary>
    public bool IsOfAttempt(int attempt) => _shards.All(shard => shard.Attempt == attempt);

    /// <summary>Whether every shard has applied this state.</summary>
    public bool HasTakenUp(DesiredState desired) => _shards.All(shard => shard.Revision >= desired.Revision);

    /// <summary>Takes a report of a shard. Reports may arrive out of order: one with fewer outcomes or an older state is dropped.</summary>
    public bool Update(int shard, ShardProgress progress)
    {
        if ((uint)shard >= (uint)_shards.Length) return false;
        var was = _shards[shard];
        if (progress.OutcomeCount < was.OutcomeCount || progress.Revision < was.Revision) return false;
        _shards[shard] = progress;
        Counts = new(
            Counts.Pending + progress.Counts.Pending - was.Counts.Pending, Counts.Running + progress.Counts.Running - was.Counts.Running,
            Counts.Done + progress.Counts.Done - was.Counts.Done, Counts.Failed + progress.Counts.Failed - was.Counts.Failed,
            Counts.Cancelled + progress.Counts.Cancelled - was.Counts.Cancelled);
        ResumedCount += progress.ResumedCount - was.ResumedCount;
        // What a shard's first telling brings ended before this looked: it says nothing about the speed.
        if (was.Revision > 0) Sample(progress.OutcomeCount - was.OutcomeCount);
        return true;
    }

    /// <summary>Items ended in a second over the last minute; null before the first.</summary>
    public double? ItemsPerSecond()
    {
        while (_samples.Count > 2 && _time.GetElapsedTime(_samples.Peek().At) > s_window) _samples.Dequeue();
        if (_samples.Count < 2) return null;
        var (at, ended) = _samples.Peek();
        var seconds = _time.GetElapsedTime(at).TotalSeconds;
        return seconds > 0 && _endedCount > ended ? (_endedCount - ended) / seconds : null;
    }

    private void Sample(int endedCount)
    {
        if (_samples.Count == 0) _samples.Enqueue((_time.GetTimestamp(), _endedCount));
        if (endedCount == 0) return;
        _endedCount += endedCount;
        _samples.Enqueue((_time.GetTimestamp(), _endedCount));
    }
}
