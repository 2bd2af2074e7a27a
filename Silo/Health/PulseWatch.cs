using Emu3.Grains.Interfaces;

namespace Emu3.Silo.Health;

/// <summary>
/// Activates a grain on this silo every few seconds, and knows since when that fails. Without it a silo that can't activate grains would go on as a member of
/// the cluster that answers its probes, and fail every new job.
/// </summary>
internal sealed partial class PulseWatch(IGrainFactory grains, TimeProvider time, ILogger<PulseWatch> logger) : BackgroundService
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>After so long nothing but a new process will help.</summary>
    private static readonly TimeSpan s_lost = TimeSpan.FromMinutes(2);

    private Trouble? _trouble;
    private bool _wasSlow;

    /// <summary>Why grains can't be activated; null when they can.</summary>
    public string? Reason => Volatile.Read(ref _trouble)?.Reason;

    /// <summary>That has been so for minutes.</summary>
    public bool IsLost => Volatile.Read(ref _trouble) is { } trouble && time.GetElapsedTime(trouble.Since) > s_lost;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken)) await LookAsync(stoppingToken);
    }

    /// <summary>One look.</summary>
    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            await grains.GetGrain<IPulse>(IPulse.NewKey()).Beat().WaitAsync(s_patience, time, cancellationToken);
            _wasSlow = false;
            if (Interlocked.Exchange(ref _trouble, null) is { } over) LogBack(time.GetElapsedTime(over.Since).TotalSeconds);
        }
        catch (TimeoutException) when (!_wasSlow && !cancellationToken.IsCancellationRequested)
        {
            _wasSlow = true; // once: the machine may be busy
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            var known = Volatile.Read(ref _trouble);
            if (known is null) LogFails(failure);
            Volatile.Write(ref _trouble, new(failure.Message, known?.Since ?? time.GetTimestamp()));
        }
    }

    [LoggerMessage(LogLevel.Error, "This silo can't activate grains: new jobs fail on it, and it is not ready. It is checked again every 10 s.")]
    private partial void LogFails(Exception failure);

    [LoggerMessage(LogLevel.Warning, "This silo can activate grains again, after {Seconds:0} s.")]
    private partial void LogBack(double seconds);

    private sealed record Trouble(string Reason, long Since);
}
