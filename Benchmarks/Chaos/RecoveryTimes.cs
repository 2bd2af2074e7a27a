namespace Emu3.Benchmarks.Chaos;

/// <summary>How long after each fault the next item ended anywhere. Safe for several threads.</summary>
internal sealed class RecoveryTimes(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly List<(FaultKind Kind, long At)> _open = [];
    private readonly List<(FaultKind Kind, TimeSpan Time)> _times = [];

    /// <summary>A fault has begun.</summary>
    public void Begin(FaultKind kind)
    {
        lock (_lock) _open.Add((kind, time.GetTimestamp()));
    }

    /// <summary>An item has ended: every fault before it is got over.</summary>
    public void Progressed()
    {
        lock (_lock)
        {
            _times.AddRange(_open.Select(fault => (fault.Kind, time.GetElapsedTime(fault.At))));
            _open.Clear();
        }
    }

    /// <summary>Rows of a table: kind, count, median, 95th percentile, worst; in seconds.</summary>
    public IReadOnlyList<string[]> Rows()
    {
        lock (_lock)
        {
            return [.. _times.GroupBy(fault => fault.Kind).OrderBy(group => group.Key).Select(group =>
            {
                var seconds = group.Select(fault => fault.Time.TotalSeconds).Order().ToArray();
                return (string[])[$"{group.Key}", $"{seconds.Length}", Report.Figure(seconds[seconds.Length / 2]),
                    Report.Figure(seconds[(int)(seconds.Length * 0.95)]), Report.Figure(seconds[^1])];
            })];
        }
    }
}
