namespace Emu3.Grains.Jobs;

/// <summary>Keeps what happens again and again apart: the first time is at once, the next no sooner than a period after it.</summary>
internal sealed class Throttle(TimeSpan period, TimeProvider time)
{
    private long? _last;

    /// <summary>Completes when it is time again; at once if it has been for long.</summary>
    public async Task NextAsync()
    {
        var rest = _last is { } last ? period - time.GetElapsedTime(last) : TimeSpan.Zero;
        if (rest > TimeSpan.Zero) await Task.Delay(rest, time);
        _last = time.GetTimestamp();
    }
}
