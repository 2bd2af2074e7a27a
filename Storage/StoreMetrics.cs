using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Emu3.Storage;

/// <summary>
/// Meter <c>Emu3.Storage</c>: how long writes take until they are durable. One for the process, as the disk is: stores are made in places that have no
/// services at hand.
/// </summary>
public static class StoreMetrics
{
    /// <summary>The row of a grain.</summary>
    public const string State = "state";

    /// <summary>A file of the blob store.</summary>
    public const string Blob = "blob";

    private static readonly Meter s_meter = new("Emu3.Storage");

    private static readonly Histogram<double> s_write = s_meter.CreateHistogram<double>("emu3.store.write.duration", "s",
        "A write until it is durable, the wait for a thread included, by what is written; refused ones are not counted.",
        advice: new() { HistogramBucketBoundaries = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30] });

    private static readonly Counter<long> s_repeated = s_meter.CreateCounter<long>("emu3.store.object.repeats", "{request}",
        "Requests to the object store that were sent again, by what the attempt before ended with: a status, timeout, or connection.");

    /// <summary>A request to the object store is sent again.</summary>
    /// <param name="reason">A status code, <c>timeout</c> or <c>connection</c>.</param>
    public static void ObjectRequestRepeated(string reason) => s_repeated.Add(1, new KeyValuePair<string, object?>("reason", reason));

    /// <summary>Measures a write.</summary>
    /// <param name="kind"><see cref="State"/> or <see cref="Blob"/>.</param>
    /// <param name="write">The write.</param>
    public static async Task MeasureAsync(string kind, Func<Task> write)
    {
        var began = Stopwatch.GetTimestamp();
        await write();
        s_write.Record(Stopwatch.GetElapsedTime(began).TotalSeconds, new KeyValuePair<string, object?>("kind", kind));
    }
}
