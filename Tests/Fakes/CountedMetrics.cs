using System.Diagnostics.Metrics;
using Emu3.Grains.Workers;

namespace Emu3.Tests.Fakes;

/// <summary>Adds up what counters of meter <c>Emu3.Cluster</c> tell, those of one factory alone.</summary>
internal sealed class CountedMetrics : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _counts = [];
    private readonly List<(string Name, long Least, TaskCompletionSource Reached)> _waiting = [];
    private readonly MeterListener _listener = new();

    public CountedMetrics(IMeterFactory factory)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == WorkerMetrics.MeterName && instrument.Meter.Scope == factory) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Count(instrument.Name, value, tags.ToArray()));
        _listener.Start();
    }

    /// <summary>What was counted under a name, or under a name and one tag as <c>name{key=value}</c>.</summary>
    public long this[string name]
    {
        get
        {
            lock (_lock) return _counts.GetValueOrDefault(name);
        }
    }

    /// <summary>Completes when so much was counted.</summary>
    public Task Reaches(string name, long least)
    {
        lock (_lock)
        {
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_counts.GetValueOrDefault(name) >= least) reached.SetResult();
            else _waiting.Add((name, least, reached));
            return reached.Task;
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Count(string instrument, long value, KeyValuePair<string, object?>[] tags)
    {
        lock (_lock)
        {
            foreach (var name in tags.Select(tag => $"{instrument}{{{tag.Key}={tag.Value}}}").Prepend(instrument))
            {
                var count = _counts[name] = _counts.GetValueOrDefault(name) + value;
                foreach (var one in _waiting.Where(one => one.Name == name && count >= one.Least)) one.Reached.TrySetResult();
            }
        }
    }
}
