using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace Emu3.Grains.Catalogs;

/// <summary>See <see cref="IDeviceLedger"/>. Decides by <see cref="LedgerTransitions"/>.</summary>
[Reentrant]
public sealed partial class DeviceLedger : Grain, IDeviceLedger
{
    private readonly DurableState<LedgerState, LedgerState> _state;
    private readonly TimeProvider _time;
    private readonly JobMetrics _metrics;
    private readonly ClusterGauges _gauges;
    private readonly ILogger<DeviceLedger> _logger;

    public DeviceLedger(
        [PersistentState("deviceledger", ClusterProviders.GrainStorage)] IPersistentState<LedgerState> row, TimeProvider time, JobMetrics metrics, ClusterGauges gauges,
        ILogger<DeviceLedger> logger)
    {
        (_time, _metrics, _gauges, _logger) = (time, metrics, gauges, logger);
        _state = new(row, stored => stored, state => state, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _state.Load();
        _gauges.DevicesStand(QuarantinedOf(_state.Durable).Count);
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _gauges.DevicesStand(0);
        return Task.CompletedTask;
    }

    public Task Seen(WorkerId worker, string device) => TurnAsync(state => LedgerTransitions.Seen(state, worker.Value, device, _time.GetUtcNow()));

    public Task DiedWith(WorkerId worker, JobId job, int item) =>
        TurnAsync(state => LedgerTransitions.DiedWith(state, worker.Value, job, item, _time.GetUtcNow()));

    public Task Finished(string device) => TurnAsync(state => LedgerTransitions.Finished(state, device));

    public Task<IReadOnlyDictionary<string, string>> GetQuarantined()
    {
        _state.ThrowIfFaulted();
        return Task.FromResult<IReadOnlyDictionary<string, string>>(QuarantinedOf(_state.Durable));
    }

    public Task Release(string device) => TurnAsync(state => LedgerTransitions.Release(state, device));

    private async Task TurnAsync(Func<LedgerState, LedgerState> decide)
    {
        var before = QuarantinedOf(_state.Current);
        _state.Current = decide(_state.Current);
        var after = QuarantinedOf(_state.Current);
        await _state.SettleAsync();
        _gauges.DevicesStand(after.Count);
        foreach (var (device, reason) in after.Where(device => !before.ContainsKey(device.Key)))
        {
            LogQuarantined(device, reason);
            _metrics.DeviceQuarantined();
        }

        foreach (var device in before.Keys.Where(device => !after.ContainsKey(device))) LogReleased(device);

        // The dispatcher looks by itself before long; this makes it at once.
        if (before.Count != after.Count) GrainFactory.GetGrain<IDispatcher>(0).Wake().Ignore();
    }

    private static Dictionary<string, string> QuarantinedOf(LedgerState state) =>
        state.Devices.Where(device => device.Value.Quarantine is not null).ToDictionary(device => device.Key, device => device.Value.Quarantine!);

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure);
        DeactivateOnIdle();
    }

    [LoggerMessage(LogLevel.Error, "Device {Device} gets no work until it is released: {Reason}")]
    private partial void LogQuarantined(string device, string reason);

    [LoggerMessage(LogLevel.Information, "Device {Device} gets work again.")]
    private partial void LogReleased(string device);

    [LoggerMessage(LogLevel.Error, "The device ledger could not be stored; it starts again from what is stored.")]
    private partial void LogNotStored(Exception failure);
}
