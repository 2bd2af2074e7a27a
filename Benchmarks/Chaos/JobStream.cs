using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Chaos;

/// <summary>
/// Keeps a cluster in work: submits one job after the other, so that there are always some that have not ended, and follows each to its end.
/// </summary>
/// <param name="client">Submits and follows.</param>
/// <param name="work">What the items are.</param>
/// <param name="itemsInJob">Items of a job.</param>
/// <param name="ended">Called when an item ended.</param>
internal sealed class JobStream(JobClient client, PictureJob work, int itemsInJob, Action ended) : IDisposable
{
    private const int JobsOpen = 3;
    private readonly List<FollowedJob> _jobs = [];
    private readonly List<Task> _follows = [];
    private readonly SemaphoreSlim _ended = new(0);
    private int _endedCount;

    /// <summary>All that were submitted.</summary>
    public IReadOnlyList<FollowedJob> Jobs => _jobs;

    /// <summary>Items that ended.</summary>
    public int EndedCount => Volatile.Read(ref _endedCount);

    /// <summary>Submits until told to stop, at a moment when at least so many items were submitted; then waits for the end of all.</summary>
    /// <param name="itemCount">Items at least.</param>
    /// <param name="mayEnd">Completes when no more work is needed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task RunAsync(int itemCount, Task mayEnd, CancellationToken cancellationToken)
    {
        for (var submitted = 0; submitted < itemCount || !mayEnd.IsCompleted; submitted += itemsInJob)
        {
            var number = _jobs.Count;
            var id = await client.SubmitAsync($"chaos-{number}", work.Lines(submitted, itemsInJob), cancellationToken);
            var job = new FollowedJob(id, submitted, itemsInJob);
            _jobs.Add(job);
            _follows.Add(client.FollowAsync(id, seen => Take(job, seen), cancellationToken));
            while (submitted + itemsInJob - EndedCount > JobsOpen * itemsInJob) await _ended.WaitAsync(cancellationToken);
        }

        await Task.WhenAll(_follows);
    }

    public void Dispose() => _ended.Dispose();

    private void Take(FollowedJob job, SeenEvent seen)
    {
        var before = job.Ledger.Outcomes.Count;
        job.Ledger.Take(seen);
        if (job.Ledger.Outcomes.Count == before) return;
        Interlocked.Increment(ref _endedCount);
        ended();
        _ended.Release();
    }
}

/// <summary>A job and what its follower was told.</summary>
/// <param name="Id">Of the job.</param>
/// <param name="First">Number of its first item in the whole run.</param>
/// <param name="Count">Its items.</param>
internal sealed record FollowedJob(string Id, int First, int Count)
{
    public Ledger Ledger { get; } = new(Count);
}
