using System.Threading.Channels;
using Emu3.Grains.Interfaces;
using Emu3.Inference;
using Emu3.Storage.Blobs;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Workers;

/// <summary>
/// One engine's part in the cluster: asks the dispatcher where work is, takes items from shards under leases, hands them to the engine while it has slots,
/// keeps the leases alive, and reports. Hosted beside the engine; <see cref="ModelWorker"/> is its door.
/// </summary>
public sealed partial class WorkerLoop
{
    private readonly IGrainFactory _grains;
    private readonly WorkerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<WorkerLoop> _logger;
    private readonly ItemRunner _runner;
    private readonly SlotBudget _budget;
    private readonly WorkerCard _card;
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly TaskCompletionSource<Exception?> _engineEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // All below is guarded by the lock; nothing is awaited under it.
    private readonly Lock _lock = new();
    private readonly Dictionary<(JobId, int), ItemRun> _runs = [];
    private readonly List<ItemRun> _waiting = [];
    private readonly Dictionary<ItemRun, Task> _tasks = [];
    private readonly Queue<long> _endedAt = new();
    private volatile bool _isDraining;

    public WorkerLoop(
        WorkerId id, IEngine engine, IGrainFactory grains, IBlobStore blobs, WorkerOptions options, TimeProvider time, ILogger<WorkerLoop> logger)
    {
        (Id, Engine, _grains, _options, _time, _logger) = (id, engine, grains, options, time, logger);
        _runner = new ItemRunner(id, engine, grains, blobs, options, time, logger);
        var slots = engine.Load.SlotCount;
        _budget = new SlotBudget(slots, options.InteractiveSlots ?? Math.Max(1, slots / 16), options.LookAheadSlots);
        _card = new()
        {
            Id = id,
            Model = ModelCards.From(engine.Model),
            SlotCount = slots,
            NumericClass = engine.NumericClass.Text,
            IsRowInvariant = engine.NumericClass.RowInvariant,
            Device = $"{Environment.MachineName}/{id.Value[(id.Value.LastIndexOf('/') + 1)..]}",
        };
    }

    public WorkerId Id { get; }
    public IEngine Engine { get; }

    /// <summary>Completes when the engine has ended under the loop: the process can't go on with it.</summary>
    public Task<Exception?> EngineEnded => _engineEnded.Task;

    /// <summary>Items reported in a second, over the last 64; null before the second.</summary>
    public double? ItemsPerSecond
    {
        get
        {
            lock (_lock)
            {
                if (_endedAt.Count < 2) return null;
                var seconds = _time.GetElapsedTime(_endedAt.Peek()).TotalSeconds;
                return seconds > 0 ? (_endedAt.Count - 1) / seconds : null;
            }
        }
    }

    /// <summary>There is work: ask now.</summary>
    public void Wake() => _signal.Writer.TryWrite(true);

    /// <summary>Pulls until <see cref="DrainAsync"/>, or until cancelled, which leaves everything as a crash would.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var heartbeats = BeatAsync(cancellationToken);
        var registeredAt = default(long?);
        while (!cancellationToken.IsCancellationRequested && !_isDraining)
        {
            try
            {
                if (registeredAt is not { } at || _time.GetElapsedTime(at) >= _options.AskPeriod)
                {
                    await _grains.GetGrain<IDispatcher>(0).Register(_card);
                    registeredAt = _time.GetTimestamp();
                }

                await FillAsync(cancellationToken);
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                LogNotAsked(failure, Id);
            }

            StartWaiting();
            await WaitAsync(cancellationToken);
        }

        await heartbeats;
    }

    /// <summary>Stops pulling, lets the engine's step end, keeps what was generated, and gives every lease back.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        _isDraining = true;
        Wake();
        await TryAsync(() => _grains.GetGrain<IDispatcher>(0).Unregister(Id));
        var count = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            List<ItemRun> runs;
            List<Task> tasks;
            lock (_lock) (runs, tasks) = ([.. _runs.Values], [.. _tasks.Values]);
            if (tasks.Count == 0) break; // a grant that was on its way has come and gone too
            count += runs.Count;
            runs.ForEach(run => run.GiveBack());
            await Task.WhenAll(tasks).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        LogDrained(Id, count);
    }

    // :: Step 4 Takes items from shards under a lease and hands them to the engine.
    private async Task FillAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested && !_isDraining)
        {
            var (items, batchItems) = Wanted();
            if (items <= 0) return;
            var hints = await _grains.GetGrain<IDispatcher>(0).Next(Id, items, batchItems);
            if (hints.Count == 0) return;
            var granted = 0;
            foreach (var hint in hints) granted += await AcquireAsync(hint, cancellationToken);
            StartWaiting();
            if (granted == 0) return;
        }
    }

    private async Task<int> AcquireAsync(WorkHint hint, CancellationToken cancellationToken)
    {
        var key = hint.Job.Shard(hint.Shard);
        try
        {
            var grant = await _grains.GetGrain<IJobShard>(key).Acquire(Id, hint.ItemCount);
            foreach (var lease in grant.Leases) Take(new ItemRun(hint.Job, lease, grant, grant.IsInteractive), cancellationToken);
            return grant.Leases.Count;
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotAcquired(failure, Id, key);
            return 0;
        }
    }

    private void Take(ItemRun run, CancellationToken cancellationToken)
    {
        ItemRun? older;
        lock (_lock)
        {
            _runs.Remove((run.Job, run.Lease.Item), out older);
            _runs[(run.Job, run.Lease.Item)] = run;
            _waiting.Add(run);
            _tasks[run] = RunItemAsync(run, cancellationToken);
            if (_isDraining) run.GiveBack();
        }

        older?.Drop(); // its lease was lost, or this one would not have been granted
    }

    private async Task RunItemAsync(ItemRun run, CancellationToken cancellationToken)
    {
        await Task.Yield();
        var end = ItemRunner.End.Dropped;
        try
        {
            end = await _runner.RunAsync(run, changed => OnChanged(changed), cancellationToken);
        }
        catch (EngineStoppedException stopped)
        {
            LogEngineEnded(stopped, Id);
            // Nothing is given back: the leases die with the process, and the item at fault is found by that.
            _isDraining = true;
            _engineEnded.TrySetResult(stopped);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The worker stops as if it had crashed.
        }

        if (end == ItemRunner.End.GivenBack) await ReleaseAsync(run);
        if (end == ItemRunner.End.Dropped && !_isDraining) LogDropped(run.Name);
        lock (_lock)
        {
            if (_runs.TryGetValue((run.Job, run.Lease.Item), out var current) && current == run) _runs.Remove((run.Job, run.Lease.Item));
            _waiting.Remove(run);
            _tasks.Remove(run);
            if (end == ItemRunner.End.Reported) _endedAt.Enqueue(_time.GetTimestamp());
            if (_endedAt.Count > 64) _endedAt.Dequeue();
        }

        Wake();
        run.Dispose();
    }

    private void OnChanged(ItemRun run)
    {
        if (run.HasFreedSlots)
        {
            StartWaiting();
            Wake();
        }
        else
        {
            _ = BeatShardAsync(run.Job, run.Shard); // a suspect made progress: cleared at once
        }
    }

    private (int Items, int BatchItems) Wanted()
    {
        lock (_lock)
        {
            if (_runs.Values.Any(run => run.Lease.RunsAlone && !run.HasFreedSlots)) return (0, 0);
            var held = _runs.Values.Where(run => !run.HasFreedSlots).ToList();
            return _budget.Wanted(SlotsOf(held, isInteractive: false), SlotsOf(held, isInteractive: true));
        }
    }

    private void StartWaiting()
    {
        lock (_lock)
        {
            // Interactive items first; each kind in the order of its leases. An item that must run alone waits for the others to end, and they for it.
            foreach (var run in _waiting.OrderBy(run => run.IsInteractive ? 0 : 1).ToList())
            {
                var running = _runs.Values.Where(other => other.IsStarted && !other.HasFreedSlots).ToList();
                if (running.Any(other => other.Lease.RunsAlone)) return;
                if (run.Lease.RunsAlone ? running.Count > 0
                    : !_budget.CanStart(run.IsInteractive, run.Slots, SlotsOf(running, isInteractive: false), SlotsOf(running, isInteractive: true))) continue;
                run.Start();
                _waiting.Remove(run);
            }
        }
    }

    private static int SlotsOf(List<ItemRun> runs, bool isInteractive) => runs.Where(run => run.IsInteractive == isInteractive).Sum(run => run.Slots);

    private async Task BeatAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(_options.HeartbeatPeriod, _time);
        while (true)
        {
            List<(JobId, int)> shards;
            lock (_lock)
            {
                if (_isDraining && _runs.Count == 0) return;
                shards = [.. _runs.Values.Select(run => (run.Job, run.Shard)).Distinct()];
            }

            // A shard that does not answer holds up nobody else's heartbeat, only its own next one.
            var beats = shards.Select(shard => BeatShardAsync(shard.Item1, shard.Item2));
            await Task.WhenAny(Task.WhenAll(beats), Task.Delay(_options.HeartbeatPeriod, _time, cancellationToken));
            try
            {
                await timer.WaitForNextTickAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    // :: Step 6 Progress flows back to the shard and renews the leases; tokens go with TokenPusher and CheckpointWriter.
    private async Task BeatShardAsync(JobId job, int shard)
    {
        List<ItemRun> runs;
        lock (_lock) runs = [.. _runs.Values.Where(run => run.Job == job && run.Shard == shard)];
        if (runs.Count == 0) return;
        try
        {
            var reply = await _grains.GetGrain<IJobShard>(job.Shard(shard)).Heartbeat(Id, [.. runs.Select(run => run.Held)]);
            foreach (var run in runs)
            {
                if (reply.Dropped.Contains(run.Lease.Item)) run.Drop();
                run.IsWatched = run.Lease.IsWatched || reply.Watched.Contains(run.Lease.Item);
            }
        }
        catch (Exception failure)
        {
            LogNoHeartbeat(failure, job.Shard(shard));
        }
    }

    private async Task ReleaseAsync(ItemRun run)
    {
        try
        {
            await _grains.GetGrain<IJobShard>(run.Job.Shard(run.Shard)).Release(Id, [run.Held]);
        }
        catch (Exception failure)
        {
            LogNotReleased(failure, run.Job.Shard(run.Shard));
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(_options.AskPeriod);
        try
        {
            await _signal.Reader.ReadAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // Time to ask without being woken, or to stop.
        }
    }

    private async Task TryAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (Exception failure)
        {
            LogNotAsked(failure, Id);
        }
    }
}
