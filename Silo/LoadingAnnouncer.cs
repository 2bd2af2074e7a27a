using Emu3.Grains.Interfaces;

namespace Emu3.Silo;

/// <summary>Tells the dispatcher how far a worker's model is, until that is there or never will be.</summary>
internal sealed partial class LoadingAnnouncer : IProgress<string>, IAsyncDisposable
{
    // A model that is there at once is not announced; the dispatcher forgets who falls silent.
    private static readonly TimeSpan s_firstAfter = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(2);

    private readonly LoadingWorker _worker;
    private readonly EngineStatus _status;
    private readonly IGrainFactory _grains;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly long _startedAt;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _telling;
    private volatile string _stage = "starting";

    /// <summary>Begins to tell.</summary>
    public LoadingAnnouncer(LoadingWorker worker, EngineStatus status, IGrainFactory grains, TimeProvider time, ILogger logger)
    {
        (_worker, _status, _grains, _time, _logger, _startedAt) = (worker, status, grains, time, logger, time.GetTimestamp());
        _telling = TellAsync();
    }

    public void Report(string value)
    {
        _stage = value;
        _status.Tell($"{_worker.Model} on {_worker.Device}: {value}");
    }

    /// <summary>The model can't be loaded: told once more, before the process ends.</summary>
    public async Task FailAsync(Exception failure)
    {
        await DisposeAsync();
        await TellOnceAsync($"failed: {failure.Message}");
    }

    /// <summary>Nothing is told any more, and nothing is on its way: a worker that registers now is not taken for one that loads.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _telling;
    }

    private async Task TellAsync()
    {
        try
        {
            for (var pause = s_firstAfter; ; pause = s_period)
            {
                await Task.Delay(pause, _time, _ending.Token);
                await TellOnceAsync($"{_stage} ({_time.GetElapsedTime(_startedAt).TotalSeconds:0} s)");
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // There is no more to tell.
        }
    }

    private async Task TellOnceAsync(string progress)
    {
        try
        {
            await _grains.GetGrain<IDispatcher>(0).Announce(_worker with { Progress = progress }).WaitAsync(s_period, _time);
        }
        catch (Exception failure)
        {
            LogNotTold(failure, _worker.Model, _worker.Device);
        }
    }

    [LoggerMessage(LogLevel.Debug, "The dispatcher could not be told how far {Model} on {Device} is.")]
    private partial void LogNotTold(Exception failure, string model, string device);
}
