namespace Emu3.Gateway.Cluster;

/// <summary>Looks for a control silo again and again while the gateway starts: the parts of a cluster come up in any order.</summary>
internal sealed partial class ClusterSearch(TimeProvider time, ILogger<ClusterSearch> logger) : IClientConnectionRetryFilter
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    /// <summary>A control silo that starts beside takes less.</summary>
    private static readonly TimeSpan s_warnEvery = TimeSpan.FromSeconds(30);

    private readonly long _start = time.GetTimestamp();
    private bool _isTold;
    private long _warnedAt = time.GetTimestamp();

    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        if (!_isTold) LogLooking(exception.Message);
        else if (time.GetElapsedTime(_warnedAt) >= s_warnEvery)
        {
            LogStillLooking(time.GetElapsedTime(_start).TotalSeconds, exception.Message);
            _warnedAt = time.GetTimestamp();
        }

        _isTold = true;
        await Task.Delay(s_pause, time, cancellationToken);
        return true;
    }

    [LoggerMessage(LogLevel.Information, "No control silo answers yet; it is looked for every second: {Reason}")]
    private partial void LogLooking(string reason);

    [LoggerMessage(LogLevel.Warning, "For {Seconds:0} s no control silo answers; it is looked for every second: {Reason}")]
    private partial void LogStillLooking(double seconds, string reason);
}
