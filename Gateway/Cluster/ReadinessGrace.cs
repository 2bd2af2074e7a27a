namespace Emu3.Gateway.Cluster;

/// <summary>
/// Asks the cluster something for a health page, and stands by its last good answer for a while when none comes. All gateways ask the same few control silos:
/// without patience the death of one would take every gateway out of its load balancer, and clients would be refused connections, where a gateway repeats their
/// requests until another control silo has taken over, or answers 503 with the time to come again. Any thread.
/// </summary>
/// <param name="grace">How long.</param>
/// <param name="time">A clock.</param>
internal sealed class ReadinessGrace(TimeSpan grace, TimeProvider time)
{
    /// <summary>A page that has a good answer to stand by waits no longer than this for a new one: probes wait for a second by default.</summary>
    private static readonly TimeSpan s_shortWait = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private Task<string?>? _asking;
    private long? _wellAt;

    /// <summary>What is not well; null when nothing is, or was when it was known last, within the grace.</summary>
    /// <param name="ask">Gives what is not well, or null; throws when the cluster does not answer. It may go on when this has returned, and is not called again meanwhile.</param>
    /// <param name="patience">For an answer where there is none to stand by.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<string?> LookAsync(Func<Task<string?>> ask, TimeSpan patience, CancellationToken cancellationToken)
    {
        var asking = Ask(ask);
        try
        {
            return await asking.WaitAsync(StandsByLast ? s_shortWait : patience, time, cancellationToken);
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            return StandsByLast ? null : $"The cluster does not answer: {failure.Message}";
        }
    }

    private bool StandsByLast
    {
        get
        {
            lock (_lock) return _wellAt is { } at && time.GetElapsedTime(at) < grace;
        }
    }

    private Task<string?> Ask(Func<Task<string?>> ask)
    {
        lock (_lock) return _asking is { IsCompleted: false } underway ? underway : _asking = AskAsync(ask);
    }

    private async Task<string?> AskAsync(Func<Task<string?>> ask)
    {
        await Task.Yield();
        var problem = await ask();
        lock (_lock) _wellAt = problem is null ? time.GetTimestamp() : null;
        return problem;
    }
}
