namespace Emu3.Storage.Clocks;

/// <summary>
/// A wall clock that never goes back. It follows <paramref name="inner"/> forward at once. When that one is set back, this one goes on at half speed until
/// the other has caught up. Orleans runs on it: its activation collector refuses new activations, and its timers stand still, while the time is earlier than
/// one that they have seen. What is told to others (when a job was made, until when an address is valid) stays on the machine's own clock.
/// </summary>
/// <param name="inner">The clock of the machine. Timers and timestamps are its own.</param>
public sealed class SteadyTime(TimeProvider inner) : TimeProvider
{
    private const int Slowness = 2;
    private readonly Lock _lock = new();
    private DateTimeOffset _last = inner.GetUtcNow();
    private long _lastStamp = inner.GetTimestamp();

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            var stamp = inner.GetTimestamp();
            var (wall, own) = (inner.GetUtcNow(), _last + (inner.GetElapsedTime(_lastStamp, stamp) / Slowness));
            (_last, _lastStamp) = (wall > own ? wall : own, stamp);
            return _last;
        }
    }

    public override TimeZoneInfo LocalTimeZone => inner.LocalTimeZone;

    public override long TimestampFrequency => inner.TimestampFrequency;

    public override long GetTimestamp() => inner.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => inner.CreateTimer(callback, state, dueTime, period);
}
