using Emu3.Observability;

namespace Emu3.Gateway;

/// <summary>
/// How a gateway stops. First it refuses new requests with 503 (the health pages still answer) and ends the streams that a client can resume elsewhere.
/// Requests that are being answered have <see cref="GatewayHostOptions.StopTimeout"/> to finish; then <see cref="Deadline"/> is cancelled, and each of them
/// ends with an error. Runs before the server stops listening and before the cluster's client stops, so both still work meanwhile.
/// </summary>
internal sealed partial class GatewayDrain(GatewayHostOptions options, TimeProvider time, ILogger<GatewayDrain> logger) : IHostedLifecycleService, IDisposable
{
    /// <summary>Time for requests to tell their clients that they were cut off, and to cancel what they began in the cluster.</summary>
    private static readonly TimeSpan s_cutOffTime = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _started = new();
    private readonly CancellationTokenSource _deadline = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private int _active;
    private bool _isStarted;

    /// <summary>What the host needs to stop in this way: longer than the drain, so that the host does not cancel it.</summary>
    public static TimeSpan HostTimeout(GatewayHostOptions options) => options.StopTimeout + 3 * s_cutOffTime;

    /// <summary>Cancelled when the gateway begins to stop.</summary>
    public CancellationToken Started => _started.Token;

    /// <summary>Cancelled when the time to finish is over.</summary>
    public CancellationToken Deadline => _deadline.Token;

    /// <summary>As middleware: counts requests, refuses those that come too late, and cancels at the deadline those that are left.</summary>
    public async Task Handle(HttpContext http, RequestDelegate next)
    {
        if (HealthPages.Has(http.Request.Path) || http.Request.Path == "/health")
        {
            await next(http);
            return;
        }

        if (!TryEnter())
        {
            http.Response.Headers.Connection = "close"; // the next request goes to another gateway
            await FailureResponses.Stopping().ExecuteAsync(http);
            return;
        }

        var client = http.RequestAborted;
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(client, Deadline);
        http.RequestAborted = ends.Token;
        try
        {
            await next(http);
        }
        catch (OperationCanceledException) when (Deadline.IsCancellationRequested && !client.IsCancellationRequested)
        {
            throw new GatewayStoppedException();
        }
        finally
        {
            http.RequestAborted = client;
            Leave();
        }
    }

    /// <summary>Waits for the requests that are being answered, and cuts off those that take too long.</summary>
    /// <param name="cancellationToken">They have no more time.</param>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        Begin();
        if (_idle.Task.IsCompleted) return;
        LogWaiting(_active, options.StopTimeout);
        await _idle.Task.WaitAsync(options.StopTimeout, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_idle.Task.IsCompleted) return;
        LogCutOff(_active);
        await _deadline.CancelAsync();
        await _idle.Task.WaitAsync(s_cutOffTime, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        _started.Dispose();
        _deadline.Dispose();
    }

    private void Begin()
    {
        lock (_lock)
        {
            _isStarted = true;
            if (_active == 0) _idle.TrySetResult();
        }

        _started.Cancel();
    }

    private bool TryEnter()
    {
        lock (_lock)
        {
            if (_isStarted) return false;
            _active++;
            return true;
        }
    }

    private void Leave()
    {
        lock (_lock)
            if (--_active == 0 && _isStarted) _idle.TrySetResult();
    }

    [LoggerMessage(LogLevel.Information, "The gateway stops. {Count} requests are being answered; they have {Time} to finish.")]
    private partial void LogWaiting(int count, TimeSpan time);

    [LoggerMessage(LogLevel.Warning, "{Count} requests were not finished within Gateway:StopTimeout and are cut off.")]
    private partial void LogCutOff(int count);
}

/// <summary>The gateway stopped before the answer was complete.</summary>
internal sealed class GatewayStoppedException : Exception;
