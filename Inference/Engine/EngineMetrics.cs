using System.Diagnostics.Metrics;

namespace Emu3.Inference.Engine;

/// <summary>Meter <c>Emu3.Inference</c>.</summary>
public sealed class EngineMetrics : IDisposable
{
    private static readonly KeyValuePair<string, object?> s_prefill = new("kind", "prefill"), s_generated = new("kind", "generated");
    private static readonly KeyValuePair<string, object?> s_accepted = new("outcome", "accepted"), s_rejected = new("outcome", "rejected");

    private readonly Meter meter;
    private readonly Histogram<double> stepDuration;
    private readonly Histogram<int> stepRows;
    private readonly Counter<long> tokens;
    private readonly Counter<long> drafts;
    private readonly Counter<long> requests;
    private readonly Histogram<double> queueWait;
    private readonly Histogram<double> decodeDuration;

    /// <param name="factory">Makes the meter.</param>
    /// <param name="load">What the gauges of slots and requests show.</param>
    /// <param name="liveTensors">Native tensors of the engine's thread, counted between steps: constant unless something leaks.</param>
    public EngineMetrics(IMeterFactory factory, Func<EngineLoad> load, Func<long> liveTensors)
    {
        meter = factory.Create("Emu3.Inference");
        stepDuration = meter.CreateHistogram<double>("emu3.engine.step.duration", "s", "One step: forward pass, draws and bookkeeping.",
            advice: new() { HistogramBucketBoundaries = [.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5] });
        stepRows = meter.CreateHistogram<int>("emu3.engine.step.rows", "{row}", "Rows of one step.",
            advice: new() { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] });
        tokens = meter.CreateCounter<long>("emu3.engine.tokens", "{token}", "Tokens by kind: prefill, generated.");
        drafts = meter.CreateCounter<long>("emu3.engine.drafts", "{token}", "Tokens that parallel decoding drew behind guesses, by outcome: accepted, rejected.");
        requests = meter.CreateCounter<long>("emu3.engine.requests", "{request}", "Requests that ended, by outcome.");
        queueWait = meter.CreateHistogram<double>("emu3.engine.queue.duration", "s", "From the request's arrival to its slots.",
            advice: new() { HistogramBucketBoundaries = [.01, .05, .1, .5, 1, 5, 10, 30, 60, 300, 900] });
        decodeDuration = meter.CreateHistogram<double>("emu3.engine.decode.duration", "s", "One picture from codes to pixels, steps in between not counted.",
            advice: new() { HistogramBucketBoundaries = [.01, .02, .05, .1, .2, .5, 1, 2, 5, 10] });
        meter.CreateObservableGauge("emu3.engine.slots.used", () => load().SlotCount - load().FreeSlotCount, "{slot}", "Slots that sequences have.");
        meter.CreateObservableGauge("emu3.engine.requests.running", () => load().RunningCount, "{request}", "Requests that have their slots.");
        meter.CreateObservableGauge("emu3.engine.requests.waiting", () => load().WaitingCount, "{request}", "Requests that wait for slots.");
        meter.CreateObservableGauge("emu3.engine.tensors", liveTensors, "{tensor}", "Live native tensors of the engine's thread between steps.");
    }

    public void Admitted(TimeSpan wait) => queueWait.Record(wait.TotalSeconds);

    public void StepDone(TimeSpan duration, int rows, int prefilled, int generated)
    {
        stepDuration.Record(duration.TotalSeconds);
        stepRows.Record(rows);
        tokens.Add(prefilled, s_prefill);
        tokens.Add(generated, s_generated);
    }

    /// <summary>Of a step.</summary>
    /// <param name="drafted">Tokens drawn behind guesses.</param>
    /// <param name="accepted">Of them, those that stayed.</param>
    public void DraftsDone(int drafted, int accepted)
    {
        drafts.Add(accepted, s_accepted);
        drafts.Add(drafted - accepted, s_rejected);
    }

    public void PictureDecoded(TimeSpan duration) => decodeDuration.Record(duration.TotalSeconds);

    /// <param name="outcome">stop, length, failed, cancelled</param>
    public void RequestEnded(string outcome) => requests.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Dispose() => meter.Dispose();
}
