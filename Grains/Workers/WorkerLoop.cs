using System.Threading.Channels;
using Emu3.Grains.Canaries;
using Emu3.Grains.Interfaces;
using Emu3.Inference;
using Emu3.Storage.Blobs;
using Microsoft.Extensions.Logging;

namespace Emu3.Grains.Workers;

/// <summary>
/// One engine's part in the cluster: finds work (<see cref="WorkFinder"/>), hands it to the engine while that has slots (<see cref="HeldItems"/>), keeps the
/// leases alive (<see cref="Heartbeats"/>), and reports (<see cref="ItemRunner"/>). Hosted beside the engine; <see cref="ModelWorker"/> is its door.
/// </summary>
public sealed partial class WorkerLoop
{
    private static readonly TimeSpan s_shortestPause = TimeSpan.FromMilliseconds(100);

    private readonly IGrainFactory _grains;
    private readonly WorkerOptions _options;
    private readonly WorkerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<WorkerLoop> _logger;
    private readonly ItemRunner _runner;
    private readonly WorkerInfo _card;
    private readonly HeldItems _held;
    private readonly Heartbeats _heartbeats;
    private readonly CompletionRate _rate;
    private readonly Canary? _canary;
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly TaskCompletionSource<Exception?> _engineEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _isCalled;
    private volatile bool _isDraining;
    private int _hasProved; // the ledger knows that this device generates tokens

    /// <param name="id">Its key.</param>
    /// <param name="device">See <see cref="WorkerInfo.Device"/>.</param>
    /// <param name="engine">What computes. The caller disposes of it.</param>
    /// <param name="grains">The cluster.</param>
    /// <param name="blobs">Where results and resume points go.</param>
    /// <param name="options">How it pulls and reports.</param>
    /// <param name="metrics">What it counts.</param>
    /// <param name="time">A clock.</param>
    /// <param name="logger">Its log.</param>
    public WorkerLoop(
        WorkerId id, string device, IEngine engine, IGrainFactory grains, IBlobStore blobs, WorkerOptions options, WorkerMetrics metrics, TimeProvider time,
        ILogger<WorkerLoop> logger)
    {
        (Id, Engine, _grains, _options, _metrics, _time, _logger) = (id, engine, grains, options, metrics, time, logger);
        _runner = new ItemRunner(id, device, engine, blobs, options, metrics, time, logger);
        var slots = engine.Load.SlotCount;
        _held = new HeldItems(new SlotBudget(slots, options.InteractiveSlots ?? Math.Max(1, slots / 16), options.LookAheadSlots));
        _heartbeats = new Heartbeats(id, _held, options, time, logger);
        _rate = new CompletionRate(time);
        _card = new()
        {
            Id = id,
            Model = ModelInfos.From(engine.Model),
            SlotCount = slots,
            NumericClass = engine.NumericClass.Text,
            IsRowInvariant = engine.NumericClass.RowInvariant,
            Device = device,
        };
        if (options.CanaryPeriod is not { } period || !engine.NumericClass.RowInvariant) return;
        var board = grains.GetGrain<ICanaryBoard>(ICanaryBoard.KeyOf(engine.NumericClass.Text, engine.Model.WeightsHash));
        _canary = new Canary(
            _card.Device, engine, board, period, () => _held.Count == 0 && !_isDraining, stopped => _engineEnded.TrySetResult(stopped), metrics, time, logger);
    }

    public WorkerId Id { get; }
    public IEngine Engine { get; }

    /// <summary>Completes when the engine has ended under the loop: the process can't go on with it.</summary>
    public Task<Exception?> EngineEnded => _engineEnded.Task;

    /// <summary>Items reported in a second, over the last 64; null before the second.</summary>
    public double? ItemsPerSecond => _rate.ItemsPerSecond;

    /// <summary>The dispatcher has work: ask now.</summary>
    public void Wake()
    {
        _isCalled = true;
        Turn();
    }

    /// <summary>Pulls until <see cref="DrainAsync"/>, or until cancelled, which leaves everything as a crash would.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var stopping = cancellationToken.Register(() => _canary?.GiveWay());
        var heartbeats = _heartbeats.RunAsync(() => _isDraining, cancellationToken);
        var finder = new WorkFinder(_card, _held, run => Take(run, cancellationToken), _grains, _options, _time, _logger);
        var pause = s_shortestPause;
        while (!cancellationToken.IsCancellationRequested && !_isDraining)
        {
            var patience = finder.AskPeriod;
            try
            {
                var isCalled = _isCalled;
                _isCalled = false;
                await finder.FindAsync(isCalled, cancellationToken);
                (patience, pause) = (finder.AskPeriod, s_shortestPause);
                _canary?.Begin();
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                // The dispatcher is on its way to another silo: ask again soon, and then less and less.
                LogNotAsked(failure, Id);
                (_isCalled, patience) = (true, pause);
                if (pause < _options.AskPeriod) pause *= 2;
            }

            StartWaiting();
            await WaitAsync(patience, cancellationToken);
        }

        await heartbeats;
    }

    /// <summary>Stops pulling, lets the engine's step end, keeps what was generated, and gives every lease back.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        _isDraining = true;
        Turn();
        await TryAsync(() => _grains.GetGrain<IDispatcher>(0).Unregister(Id));
        var count = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            var (runs, left) = _held.All;
            if (runs.Count == 0) break; // a grant that was on its way has come and gone too
            count += runs.Count;
            foreach (var run in runs) run.GiveBack();
            await left.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (_canary is not null) await _canary.EndAsync();

        LogDrained(Id, count);
    }

    private void Take(ItemRun run, CancellationToken cancellationToken)
    {
        var older = _held.Add(run, added => RunItemAsync(added, cancellationToken));
        _canary?.GiveWay();
        if (_isDraining) run.GiveBack();
        older?.Drop();
        Turn();
    }

    private async Task RunItemAsync(ItemRun run, CancellationToken cancellationToken)
    {
        await Task.Yield();
        var end = ItemRunner.End.Dropped;
        try
        {
            end = await _runner.RunAsync(run, suspect => _heartbeats.BeatAsync(suspect.Job, suspect.Shard), OnChanged, cancellationToken);
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
        catch (Exception broken)
        {
            // It must leave the worker all the same: what is not listed any more is taken back, what is listed stays leased for ever.
            LogBroken(broken, run.Name);
        }

        StartWaiting(); // its slots are free, whatever is still to be told
        if (end == ItemRunner.End.GivenBack) await ReleaseAsync(run);
        if (end == ItemRunner.End.Dropped && !_isDraining)
        {
            LogDropped(run.Name);
            _metrics.LeaseLost();
        }

        if (end == ItemRunner.End.Reported)
        {
            _rate.Ended();
            if (run.Result is { } result) _canary?.Offer(run.Name, run.Lease.Spec, result);
            if (run.TokenCount > run.ResumedCount) ProveDevice();
        }

        _held.Remove(run);
        Turn();
        run.Dispose();
    }

    private void OnChanged(ItemRun run)
    {
        if (run.HasFreedSlots) StartWaiting();
        else if (run.Lease.IsSuspect) _ = _heartbeats.BeatAsync(run.Job, run.Shard); // it made progress: cleared at once
        if (run.HasFreedSlots || run.IsNearItsEnd) Turn();
    }

    private void StartWaiting()
    {
        foreach (var run in _held.StartWaiting())
        {
            LogYielded(run.Name, run.TokenCount);
            _metrics.ItemYielded();
            run.GiveBack();
        }
    }

    /// <summary>The first item that comes to its end clears the device of what earlier workers' deaths laid on it.</summary>
    private void ProveDevice()
    {
        if (Interlocked.Exchange(ref _hasProved, 1) == 0) _ = ProveAsync();

        async Task ProveAsync()
        {
            try
            {
                await _grains.GetGrain<IDeviceLedger>(0).Finished(_card.Device);
            }
            catch (Exception failure)
            {
                LogNotProved(failure, _card.Device);
                _hasProved = 0; // the next item tries again
            }
        }
    }

    private async Task ReleaseAsync(ItemRun run)
    {
        try
        {
            await run.Home.Release(Id, [run.Held]);
        }
        catch (Exception failure)
        {
            LogNotReleased(failure, run.Job.Shard(run.Shard));
        }
    }

    /// <summary>Something has changed here: the loop takes another turn.</summary>
    private void Turn() => _signal.Writer.TryWrite(true);

    private async Task WaitAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        waiting.CancelAfter(patience);
        try
        {
            await _signal.Reader.ReadAsync(waiting.Token);
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
