namespace Emu3.Grains.Workers;

/// <summary>Items that a worker reports in a second, over the last 64.</summary>
internal sealed class CompletionRate(TimeProvider time)
{
    private const int Most = 64;
    private readonly Lock _lock = new();
    private readonly Queue<long> _endedAt = new();

    public void Ended()
    {
        lock (_lock)
        {
            _endedAt.Enqueue(time.GetTimestamp());
            if (_endedAt.Count > Most) _endedAt.Dequeue();
        }
    }

    /// <summary>Null before the second.</summary>
    public double? ItemsPerSecond
    {
        get
        {
            lock (_lock)
            {
                if (_endedAt.Count < 2) return null;
                var seconds = time.GetElapsedTime(_endedAt.Peek()).TotalSeconds;
                return seconds > 0 ? (_endedAt.Count - 1) / seconds : null;
            }
        }
    }
}
