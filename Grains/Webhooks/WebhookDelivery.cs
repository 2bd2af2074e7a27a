using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Concurrency;

namespace Emu3.Grains.Webhooks;

/// <summary>
/// See <see cref="IWebhookDelivery"/>. A try is made when a timer of this activation says so; a reminder that is there before anything is announced brings
/// the activation back when its silo was lost, and after waits that are longer than it lives.
/// </summary>
[Reentrant]
public sealed partial class WebhookDelivery : Grain, IWebhookDelivery, IRemindable, IDisposable
{
    private const string WakeReminder = "wake";
    private static readonly TimeSpan s_longestTimer = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_noPlaceWait = TimeSpan.FromSeconds(2);

    private readonly DurableState<DeliveryState, DeliveryState> _state;
    private readonly WebhookSender _sender;
    private readonly DeliveryPlaces _places;
    private readonly WebhookMetrics _metrics;
    private readonly WebhookOptions _options;
    private readonly RetrySchedule _schedule;
    private readonly SiloLife _life;
    private readonly TimeProvider _time;
    private readonly ILogger<WebhookDelivery> _logger;

    // Who takes the reminder away must see what was decided by whoever set it.
    private readonly SemaphoreSlim _reminding = new(1);
    private IGrainTimer? _timer;
    private bool _isTrying;

    public WebhookDelivery(
        [PersistentState("webhook", ClusterProviders.GrainStorage)] IPersistentState<DeliveryState> row,
        WebhookSender sender, DeliveryPlaces places, WebhookMetrics metrics, IOptions<WebhookOptions> options, SiloLife life, TimeProvider time,
        ILogger<WebhookDelivery> logger)
    {
        (_sender, _places, _metrics, _options, _life, _time, _logger) = (sender, places, metrics, options.Value, life, time, logger);
        _schedule = new(options.Value.RetryWaits);
        _state = new(row, stored => stored, state => state, OnWriteFailed);
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _state.Load();
        Arm();
        return Task.CompletedTask;
    }

    public async Task Announce(WebhookNotice notice)
    {
        _state.ThrowIfFaulted();
        if (_state.Current.Notice is null) await BeginAsync(state => DeliveryTransitions.Announce(state, notice, _time.GetUtcNow()));
        await _state.SettleAsync();
        Arm();
    }

    public Task<WebhookState?> Find()
    {
        _state.ThrowIfFaulted();
        return Task.FromResult(_state.Durable.Tell());
    }

    public async Task<WebhookState?> Redeliver()
    {
        _state.ThrowIfFaulted();
        if (_state.Current.Notice is null) return null;
        await BeginAsync(state => DeliveryTransitions.Redeliver(state, _time.GetUtcNow()));
        await _state.SettleAsync();
        Arm();
        return _state.Durable.Tell();
    }

    public async Task Forget()
    {
        _state.ThrowIfFaulted();
        _timer?.Dispose(); // a try that is being made ends with it
        await UnremindAsync(always: true);
        if (_state.Current.Notice is not null) await _state.ClearAsync();
        DeactivateOnIdle();
    }

    public void Dispose() => _reminding.Dispose();

    /// <summary>It is time for the next try, or nobody has made the last one.</summary>
    public Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if (!_state.Current.IsUnderWay) return UnremindAsync();
        Arm();
        return Task.CompletedTask;
    }

    /// <summary>Sets the timer for the next try, where it is near; for a far one the reminder comes.</summary>
    private void Arm(TimeSpan? atLeast = null)
    {
        if (_isTrying) return; // comes by when it is done; and with its timer the try would end
        _timer?.Dispose();
        _timer = null;
        if (!_state.Durable.IsUnderWay || _state.Durable.WaitAt(_time.GetUtcNow()) is not { } left) return;
        var wait = Later(left, atLeast ?? TimeSpan.Zero);
        if (wait > s_longestTimer) return;
        _timer = this.RegisterGrainTimer(TryAsync, new GrainTimerCreationOptions { DueTime = wait, Period = Timeout.InfiniteTimeSpan, Interleave = true });
    }

    private async Task TryAsync(CancellationToken cancellationToken)
    {
        if (_isTrying || _state.Durable is not { IsUnderWay: true, Notice: { } notice }) return;
        using var place = _places.TryEnter(new Uri(notice.Url).IdnHost);
        if (place is null)
        {
            Arm(s_noPlaceWait);
            return;
        }

        _isTrying = true;
        var isDone = false;
        try
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _life.Stopping);
            var secrets = await GrainFactory.GetGrain<IWebhookSecrets>(IWebhookSecrets.KeyOf(notice.Tenant)).Get();
            await RecordAsync(notice, await _sender.SendAsync(notice, secrets, ending.Token));
            isDone = true;
        }
        catch (Exception failure)
        {
            LogNotTried(failure, notice.EventId); // the reminder comes within a minute
        }
        finally
        {
            _isTrying = false;
            if (isDone) Arm();
        }
    }

    /// <summary>Makes durable what became of a try. A crash before that repeats it, under the same id.</summary>
    private async Task RecordAsync(WebhookNotice notice, DeliveryAnswer answer)
    {
        _state.Current = DeliveryTransitions.After(_state.Current, answer, _schedule, _time.GetUtcNow());
        await _state.SettleAsync();
        var state = _state.Durable;
        _metrics.Tried(state.Status);
        var host = new Uri(notice.Url).IdnHost;
        switch (state.Status)
        {
            case WebhookStatus.Delivered: LogDelivered(notice.EventId, host, state.AttemptCount); break;
            case WebhookStatus.Failed: LogFailed(notice.EventId, host, state.AttemptCount, state.LastError); break;
            default: LogRetried(notice.EventId, host, state.AttemptCount, state.LastError, state.NextAttemptAt); break;
        }

        if (state.WaitAt(_time.GetUtcNow()) is { } wait) await RemindAsync(wait);
        else await UnremindAsync();
    }

    private async Task RemindAsync(TimeSpan wait) => await this.RegisterOrUpdateReminder(WakeReminder, Later(wait, _options.WakePeriod), _options.WakePeriod);

    /// <summary>Decides that there is something to tell, once a reminder is there for it.</summary>
    private async Task BeginAsync(Func<DeliveryState, DeliveryState> decide)
    {
        await _reminding.WaitAsync();
        try
        {
            await RemindAsync(TimeSpan.Zero);
            _state.Current = decide(_state.Current);
        }
        finally
        {
            _reminding.Release();
        }
    }

    private async Task UnremindAsync(bool always = false)
    {
        await _reminding.WaitAsync();
        try
        {
            if ((always || !_state.Current.IsUnderWay) && await this.GetReminder(WakeReminder) is { } reminder) await this.UnregisterReminder(reminder);
        }
        finally
        {
            _reminding.Release();
        }
    }

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private void OnWriteFailed(Exception failure)
    {
        LogNotStored(failure, this.GetPrimaryKeyString());
        DeactivateOnIdle();
    }
}
