using System.Diagnostics.Metrics;

namespace Emu3.Benchmarks.ParallelDecoding;

/// <summary>The windows of an engine that runs one request: what each step tried to draw and what stayed, by the metric that each step records.</summary>
internal sealed class StepWindows : IDisposable
{
    private readonly MeterListener listener = new();
    private readonly List<(int Window, int Committed)> steps = [];
    private int accepted;

    /// <param name="meters">That the engine was loaded with: other engines of the process are not listened to.</param>
    public StepWindows(IMeterFactory meters)
    {
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "emu3.engine.drafts" && instrument.Meter.Scope == meters)
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
        {
            if (Equals(tags[0].Value, "accepted"))
                accepted = (int)count;
            else
                steps.Add((1 + accepted + (int)count, 1 + accepted)); // what was rejected comes last of a step
        });
        listener.Start();
    }

    /// <summary>Steps since the last <see cref="Clear"/>, those of prompts included. To be read when nothing runs, or on the engine's thread.</summary>
    public IReadOnlyList<(int Window, int Committed)> Steps => steps;

    public void Clear() => steps.Clear();

    public void Dispose() => listener.Dispose();
}
