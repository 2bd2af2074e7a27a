using System.Globalization;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>A process's memory at a moment.</summary>
/// <param name="ResidentBytes">What Linux has given it (<c>VmRSS</c>).</param>
/// <param name="HeapBytes">What was left of its managed heap after its last collection.</param>
internal readonly record struct MemoryReading(long ResidentBytes, long HeapBytes)
{
    private const string HeapMetric = "dotnet_gc_last_collection_heap_size_bytes";

    /// <summary>Reads both.</summary>
    /// <param name="processId">Whose.</param>
    /// <param name="metrics">Text of its page of metrics.</param>
    public static MemoryReading Of(int processId, string metrics) => new(Resident(File.ReadAllLines($"/proc/{processId}/status")), Heap(metrics));

    private static long Resident(IEnumerable<string> status) =>
        status.Where(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Sum(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture)) << 10;

    /// <summary>All generations together.</summary>
    internal static long Heap(string metrics) => metrics.Split('\n').Where(line => line.StartsWith(HeapMetric, StringComparison.Ordinal))
        .Sum(line => (long)double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture));
}
