using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Access;

/// <summary>See <see cref="IKeyMeter"/>.</summary>
[Reentrant]
public sealed partial class KeyMeter : Grain, IKeyMeter
{
    private readonly DurableState<KeyMeterState, KeyMeterState> _state;
    private readonly TimeProvider _time;
    private readonly ILogger<KeyMeter> _logger;

    public KeyMeter([PersistentState("keymeter", ClusterProviders.GrainStorage)] IPersistentState<KeyMeterState> row, TimeProvider time, ILogger<KeyMeter> logger)
    {
        (_time, _logger) = (time, logger);
        _state = new(row, stored => stored, state => state, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _state.Load();
        return Task.CompletedTask;
    }

    public async Task<MeterReading> Take(int images, int limit, string request)
    {
        (_state.Current, var reading) = _state.Current.Take(images, limit, request, _time.GetUtcNow());
        await _state.SettleAsync();
        return reading;
    }

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "What {Key} used could not be stored; its meter starts again from what is stored.")]
    private partial void LogNotStored(Exception failure, string key);
}
