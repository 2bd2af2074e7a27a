using System.Diagnostics.Metrics;

namespace Emu3.Benchmarks.Pictures;

/// <summary>Counts the steps of every engine in the process, by the metric that each step records.</summary>
internal sealed class StepCounter : IDisposable
{
    private readonly MeterListener listener = new();
    private long count;

    public StepCounter()
    {
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "emu3.engine.step.duration")
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref count));
        listener.Start();
    }

    public long Count => Interlocked.Read(ref count);

    public void Dispose() => listener.Dispose();
}
