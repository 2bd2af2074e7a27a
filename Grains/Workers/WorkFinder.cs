using Emu3.Grains.Interfaces;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Workers;

/// <summary>
/// Finds a worker's next items: tells the dispatcher what the worker could take, and asks the shards that it names for leases. One that is full tells
/// that too, so that it is found when somebody waits.
/// </summary>
internal sealed partial class WorkFinder(
    WorkerInfo info, HeldItems held, Action<ItemRun> take, IGrainFactory grains, WorkerOptions options, TimeProvider time, ILogger logger)
{
    // A shard that has not answered by then does not hold up the search; what it grants later is taken all the same.
    private static readonly TimeSpan s_shardPatience = TimeSpan.FromSeconds(2);
    private const int MaxAsks = 8;

    private IDispatcher? _dispatcher;
    private bool _isRegistered;
    private long _toldAt;
    private TimeSpan _askPeriod = options.AskPeriod;

    /// <summary>Time to let pass until the dispatcher is to be asked again unwoken.</summary>
    public TimeSpan AskPeriod => _askPeriod > options.AskPeriod ? _askPeriod : options.AskPeriod;

    // :: Step 4 Takes items from shards under a lease and hands them to the engine.
    /// <summary>Looks for as many items as the worker could take.</summary>
    /// <param name="isCalled">The dispatcher has something for it, be it full or not.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public async Task FindAsync(bool isCalled, CancellationToken cancellationToken)
    {
        _dispatcher ??= grains.GetGrain<IDispatcher>(0); // throws while no control silo is up
        for (var ask = 0; ask < MaxAsks && !cancellationToken.IsCancellationRequested; ask++)
        {
            if (!_isRegistered)
            {
                await _dispatcher.Register(info);
                _isRegistered = true;
                isCalled = true;
            }

            var capacity = held.Capacity;
            if (capacity.ItemCount == 0 && !isCalled && time.GetElapsedTime(_toldAt) < AskPeriod) return;
            var answer = await _dispatcher.Next(info.Id, capacity);
            (_isRegistered, _askPeriod, _toldAt) = (answer.IsRegistered, answer.MinAskPeriod, time.GetTimestamp());
            if (!answer.IsRegistered) continue;

            await AcquireAsync(answer.Hints, cancellationToken);
            // Less than it asked for: nothing else waits, or others are on the way to it.
            if (answer.Hints.Sum(hint => hint.ItemCount) < Math.Max(1, capacity.ItemCount)) return;
            isCalled = false;
        }
    }

    private async Task AcquireAsync(IReadOnlyList<WorkHint> hints, CancellationToken cancellationToken)
    {
        if (hints.Count == 0) return;
        var acquires = Task.WhenAll(hints.Select(hint => AcquireAsync(hint, cancellationToken)));
        await acquires.WaitAsync(s_shardPatience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task AcquireAsync(WorkHint hint, CancellationToken cancellationToken)
    {
        var key = hint.Job.Shard(hint.Shard);
        held.Asked(hint.ItemCount);
        try
        {
            var shard = grains.GetGrain<IJobShard>(key);
            var grant = await shard.Acquire(info.Id, hint.ItemCount);
            foreach (var lease in grant.Leases) take(new ItemRun(hint.Job, lease, grant, shard));
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotAcquired(failure, info.Id, key);
        }
        finally
        {
            held.Asked(-hint.ItemCount);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Worker {Worker} got no leases from shard {Shard}.")]
    private partial void LogNotAcquired(Exception failure, WorkerId worker, string shard);
}
