using System.Globalization;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>A process's memory over a run, and whether it grew. Pure: readings come from <see cref="MemoryReading"/>.</summary>
internal sealed class MemoryWatch(string process)
{
    /// <summary>Readings of so many rounds stand for the beginning, and for the end: single ones depend on when the last collection was.</summary>
    private const int Window = 5;

    /// <summary>The first tenth of a run is its warming up: code is compiled, caches and pools fill.</summary>
    private const int WarmUpShare = 10;

    /// <summary>A run that is not long enough for both says nothing.</summary>
    private const int MinReadings = 4 * Window;

    private const long Resident = 64L << 20;
    private const long Heap = 64L << 20;
    private const double Share = 1.25;

    private readonly List<MemoryReading> _readings = [];

    public string Process => process;

    public IReadOnlyList<MemoryReading> Readings => _readings;

    public void Add(MemoryReading reading) => _readings.Add(reading);

    /// <summary>
    /// What grew: from the median of five rounds after the warming up to that of the last five by more than a quarter and 64 MiB, resident or on the
    /// managed heap after a collection, which may have left old garbage where it was. Null: nothing, or the run was too short to say.
    /// </summary>
    public string? Growth()
    {
        if (_readings.Count < MinReadings) return null;
        return Growth("resident memory", reading => reading.ResidentBytes, Resident) ?? Growth("managed heap", reading => reading.HeapBytes, Heap);
    }

    private string? Growth(string what, Func<MemoryReading, long> of, long allowance)
    {
        var before = Median(_readings.Skip(_readings.Count / WarmUpShare).Take(Window).Select(of));
        var after = Median(_readings.TakeLast(Window).Select(of));
        return after <= (before * Share) + allowance ? null : string.Create(CultureInfo.InvariantCulture, $"{what} of {process} grew from {before >> 20} to {after >> 20} MiB");
    }

    private static long Median(IEnumerable<long> values) => values.Order().ElementAt(Window / 2);
}
