using System.Collections.Concurrent;
using System.Diagnostics;

namespace Emu3.Tests.Fakes;

/// <summary>Spans of one trace that have ended, of our sources and of ASP.NET Core.</summary>
internal sealed class KeptSpans : IDisposable
{
    private readonly ActivityListener _listener;

    public KeptSpans()
    {
        _listener = new()
        {
            ShouldListenTo = source => source.Name.StartsWith("Emu3.", StringComparison.Ordinal) || source.Name == "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> options) => options.TraceId == Trace ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = span =>
            {
                if (span.TraceId == Trace) Ended.Enqueue(span);
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>The trace, which a client begins.</summary>
    public ActivityTraceId Trace { get; } = ActivityTraceId.CreateRandom();

    /// <summary>What a client sends along.</summary>
    public string TraceParent => $"00-{Trace}-{ActivitySpanId.CreateRandom()}-01";

    public ConcurrentQueue<Activity> Ended { get; } = [];

    /// <summary>The spans of a source; waits until there are so many.</summary>
    public async Task<IReadOnlyList<Activity>> OfAsync(string source, int least)
    {
        while (true)
        {
            var spans = Ended.Where(span => span.Source.Name == source).ToList();
            if (spans.Count >= least) return spans;
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    public void Dispose() => _listener.Dispose();
}
