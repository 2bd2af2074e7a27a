using System.Diagnostics.Metrics;
using Emu3.Inference;

namespace Emu3.Grains.Workers;

/// <summary>
/// What an engine does, under the names that vLLM gave it: dashboards, routers and autoscalers that know vLLM know this one. Beside them, what pictures add.
/// The exposition writes <c>vllm.x</c> as <c>vllm:x</c>.
/// </summary>
internal sealed class VllmMetrics
{
    // An 8 B model needs minutes for a picture and seconds for an answer.
    private static readonly double[] s_secondsOfPictures = [.1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 90, 120, 180, 240, 300, 450, 600, 900, 1800, 3600, 7200];
    private static readonly double[] s_secondsOfWaiting = [.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800];
    private static readonly double[] s_secondsOfTokens = [.001, .0025, .005, .01, .02, .03, .04, .05, .075, .1, .15, .2, .3, .5, 1, 2.5, 10];

    private readonly Counter<long> _promptTokens;
    private readonly Counter<long> _generatedTokens;
    private readonly Counter<long> _visualTokens;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _preempted;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _betweenTokens;
    private readonly Histogram<double> _wholeRequest;
    private readonly Histogram<double> _queue;
    private readonly Histogram<double> _picture;
    private readonly KeyValuePair<string, object?>[] _tags;
    private int _runningPairs;

    /// <param name="meter">Where the instruments are.</param>
    /// <param name="model">A tag of all of them.</param>
    /// <param name="device">Another: vLLM's <c>engine</c>.</param>
    /// <param name="load">What the gauges tell; null: nothing.</param>
    public VllmMetrics(Meter meter, KeyValuePair<string, object?> model, string device, Func<EngineLoad>? load)
    {
        _tags = [model, new("engine", device)];
        _promptTokens = meter.CreateCounter<long>("vllm.prompt_tokens", "{token}", "Tokens of prompts that were taken in.");
        _generatedTokens = meter.CreateCounter<long>("vllm.generation_tokens", "{token}", "Tokens generated, forced ones included.");
        _visualTokens = meter.CreateCounter<long>("emu3.visual.tokens", "{token}", "Of the generated tokens, those of pictures.");
        _ended = meter.CreateCounter<long>("vllm.request_success", "{request}", "Requests that ended, by reason.");
        _preempted = meter.CreateCounter<long>("vllm.num_preemptions", "{request}", "Requests that gave way to ones that somebody waits for.");
        _firstToken = Histogram("vllm.time_to_first_token", s_secondsOfWaiting, "From a request's arrival at the engine to its first token.");
        _betweenTokens = Histogram("vllm.inter_token_latency", s_secondsOfTokens, "From one token of a request to the next.");
        _wholeRequest = Histogram("vllm.e2e_request_latency", s_secondsOfPictures, "From a request's arrival at the engine to its end.");
        _queue = Histogram("vllm.request_queue_time", s_secondsOfWaiting, "From a request's arrival at the engine to its slots.");
        _picture = Histogram("emu3.image.duration", s_secondsOfPictures, "One picture from its arrival at the engine to its pixels; those that went on from a checkpoint are not counted.");
        foreach (var counter in (Counter<long>[])[_promptTokens, _generatedTokens, _visualTokens, _preempted]) counter.Add(0, _tags);
        foreach (var end in Enum.GetValues<End>()) Add(end, 0);
        if (load is null) return;
        Gauge("vllm.num_requests_running", () => load().RunningCount, "{request}", "Requests that have their slots.");
        Gauge("vllm.num_requests_waiting", () => load().WaitingCount, "{request}", "Requests that wait: in an engine, and with engine=\"queue\" in jobs, for a worker.");
        Gauge("vllm.kv_cache_usage_perc", () => load() is { SlotCount: > 0 } now ? (now.SlotCount - now.FreeSlotCount) / (double)now.SlotCount : 0, "1", "Share of the slots that is taken, 0 to 1.");
        Gauge("emu3.cfg.pairs.running", () => Volatile.Read(ref _runningPairs), "{pair}", "Guided pictures that are drawn now: each takes two slots.");

        Histogram<double> Histogram(string name, double[] bounds, string description) =>
            meter.CreateHistogram<double>(name, "s", description, advice: new() { HistogramBucketBoundaries = bounds });

        void Gauge<T>(string name, Func<T> value, string unit, string description) where T : struct =>
            meter.CreateObservableGauge(name, () => new Measurement<T>(value(), _tags), unit, description);
    }

    /// <summary>How a request ended: vLLM's <c>finished_reason</c>.</summary>
    public enum End { Stop, Length, Abort, Error }

    public void RequestEnded(End end) => Add(end, 1);

    public void RequestPreempted() => _preempted.Add(1, _tags);

    public void PromptTaken(TimeSpan queued, int tokens)
    {
        _queue.Record(queued.TotalSeconds, _tags);
        _promptTokens.Add(tokens, _tags);
    }

    /// <param name="count">Tokens that came together.</param>
    /// <param name="sinceLast">Since those before them; null for the first.</param>
    /// <param name="sinceArrival">Since the request came.</param>
    /// <param name="areVisual">They are of a picture.</param>
    public void TokensGenerated(int count, TimeSpan? sinceLast, TimeSpan sinceArrival, bool areVisual)
    {
        _generatedTokens.Add(count, _tags);
        if (areVisual) _visualTokens.Add(count, _tags);
        if (sinceLast is { } gap) _betweenTokens.Record(gap.TotalSeconds / count, _tags);
        else _firstToken.Record(sinceArrival.TotalSeconds, _tags);
    }

    public void RequestFinished(TimeSpan duration, bool isWholePicture)
    {
        _wholeRequest.Record(duration.TotalSeconds, _tags);
        if (isWholePicture) _picture.Record(duration.TotalSeconds, _tags);
    }

    public void PairStarted() => Interlocked.Increment(ref _runningPairs);

    public void PairEnded() => Interlocked.Decrement(ref _runningPairs);

    private void Add(End end, int count) => _ended.Add(count, [.. _tags, new("finished_reason", end.ToString().ToLowerInvariant())]);
}
