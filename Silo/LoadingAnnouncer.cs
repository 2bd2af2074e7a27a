using System.Globalization;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;
using Emu3.Inference;

namespace Emu3.Silo;

/// <summary>
/// Tells the dispatcher how far a worker's model is, until it is loaded or has failed to load: at once, again as soon as it is known what the checkpoint is
/// (requests for the model then wait for this worker), and every two seconds.
/// </summary>
internal sealed partial class LoadingAnnouncer : IProgress<LoadStage>, IAsyncDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(2);

    // Below it, an estimate of the rest says nothing.
    private const double MinShare = 0.05;

    private readonly LoadingWorker _worker;
    private readonly EngineStatus _status;
    private readonly IGrainFactory _grains;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly long _startedAt;
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _known = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _telling;
    private readonly Lock _lock = new();
    private LoadStage _stage = "starting";
    private ModelInfo? _card;
    private long? _weightsSince;

    /// <summary>Begins to tell.</summary>
    public LoadingAnnouncer(LoadingWorker worker, EngineStatus status, IGrainFactory grains, TimeProvider time, ILogger logger)
    {
        (_worker, _status, _grains, _time, _logger, _startedAt) = (worker, status, grains, time, logger, time.GetTimestamp());
        _telling = TellAsync();
    }

    public void Report(LoadStage value)
    {
        lock (_lock)
        {
            _stage = value;
            if (value.Share is not null) _weightsSince ??= _time.GetTimestamp();
            if (value.Model is { } model) _card = ModelInfos.From(model);
        }

        if (value.Model is not null) _known.TrySetResult();
        _status.Tell($"{_worker.Model} on {_worker.Device}: {TextOf(value)}");
    }

    /// <summary>The model can't be loaded: told once more, before the process ends.</summary>
    public async Task FailAsync(Exception failure)
    {
        await DisposeAsync();
        await TellOnceAsync(_worker with { Progress = $"failed: {failure.Message}" });
    }

    /// <summary>Nothing is told any more, and nothing is on its way: a worker that registers now is not taken for one that loads.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _telling;
    }

    /// <summary>What is left, if the rest goes as fast as what is done.</summary>
    internal static TimeSpan? RemainingOf(double? share, TimeSpan elapsed) => share is { } done && done >= MinShare ? elapsed * ((1 - done) / done) : null;

    private async Task TellAsync()
    {
        await Task.Yield();
        Task known = _known.Task;
        while (!_ending.IsCancellationRequested)
        {
            await TellOnceAsync(Now());
            var first = await Task.WhenAny(Task.Delay(s_period, _time, _ending.Token), known);
            if (first == known) known = Task.Delay(Timeout.InfiniteTimeSpan, _time, _ending.Token);
        }
    }

    private LoadingWorker Now()
    {
        lock (_lock)
        {
            return _worker with
            {
                Progress = string.Create(CultureInfo.InvariantCulture, $"{TextOf(_stage)} ({_time.GetElapsedTime(_startedAt).TotalSeconds:0} s)"),
                Info = _card,
                Remaining = _weightsSince is { } since ? RemainingOf(_stage.Share, _time.GetElapsedTime(since)) : null,
            };
        }
    }

    private static string TextOf(LoadStage stage) =>
        stage.Share is { } share ? string.Create(CultureInfo.InvariantCulture, $"{stage.What}, {100 * share:0} %") : stage.What;

    private async Task TellOnceAsync(LoadingWorker worker)
    {
        try
        {
            await _grains.GetGrain<IDispatcher>(0).Announce(worker).WaitAsync(s_period, _time);
        }
        catch (Exception failure)
        {
            LogNotTold(failure, _worker.Model, _worker.Device);
        }
    }

    [LoggerMessage(LogLevel.Debug, "The dispatcher could not be told how far {Model} on {Device} is.")]
    private partial void LogNotTold(Exception failure, string model, string device);
}
