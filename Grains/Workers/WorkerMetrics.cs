using System.Diagnostics.Metrics;
using Emu3.Grains.Interfaces;
using Emu3.Inference;

namespace Emu3.Grains.Workers;

/// <summary>What one worker adds to meter <c>Emu3.Cluster</c>, under its model's name.</summary>
public sealed class WorkerMetrics
{
    /// <summary>The meter of all that happens to jobs and workers.</summary>
    public const string MeterName = "Emu3.Cluster";

    private readonly Counter<long> _completed;
    private readonly Counter<long> _failed;
    private readonly Counter<long> _resumed;
    private readonly Counter<long> _yielded;
    private readonly Counter<long> _resumePoints;
    private readonly Counter<long> _lostLeases;
    private readonly Counter<long> _refusedBlobs;
    private readonly Counter<long> _canaryMatches;
    private readonly Counter<long> _canaryMismatches;
    private readonly Counter<long> _pictures;
    private readonly KeyValuePair<string, object?> _model;

    /// <param name="factory">Makes the meter.</param>
    /// <param name="model">The model's name, a tag of everything here.</param>
    /// <param name="device">The device's name, a tag of what vLLM tells by engine.</param>
    /// <param name="load">What the engine is doing.</param>
    public WorkerMetrics(IMeterFactory factory, string model, string device = "", Func<EngineLoad>? load = null)
    {
        _model = new("model_name", model);
        var meter = factory.Create(MeterName);
        Engine = new VllmMetrics(meter, _model, device, load);
        _completed = meter.CreateCounter<long>("emu3.items.completed", "{item}", "Items that a worker made and its shard recorded.");
        _failed = meter.CreateCounter<long>("emu3.items.failed", "{item}", "Items that failed, by code.");
        _resumed = meter.CreateCounter<long>("emu3.items.resumed", "{item}", "Items that went on from an earlier lease's checkpoint.");
        _yielded = meter.CreateCounter<long>("emu3.items.yielded", "{item}", "Batch items that gave way to ones that somebody waits for.");
        _resumePoints = meter.CreateCounter<long>("emu3.checkpoints.written", "{checkpoint}", "Checkpoints written.");
        _lostLeases = meter.CreateCounter<long>("emu3.leases.lost", "{lease}", "Leases that a shard took from a worker that still had them: after a silence, or with a cancelled job.");
        _refusedBlobs = meter.CreateCounter<long>("emu3.blobs.refused", "{call}", "Reads and writes that the blob store refused, and that are tried again.");
        _canaryMatches = meter.CreateCounter<long>("emu3.canary.matches", "{item}", "Pictures made again by an idle worker, token for token.");
        _canaryMismatches = meter.CreateCounter<long>("emu3.canary.mismatches", "{item}", "Pictures made again by an idle worker, with other tokens: a device computes wrongly.");
        _pictures = meter.CreateCounter<long>("emu3.images.completed", "{image}", "Pictures that a worker made and its shard recorded.");

        // What has not happened yet is told as 0: a first time that comes out of nothing is no increase to Prometheus.
        foreach (var counter in (Counter<long>[])[_completed, _resumed, _yielded, _resumePoints, _lostLeases, _refusedBlobs, _canaryMatches, _canaryMismatches, _pictures])
            counter.Add(0, _model);
        foreach (var code in Enum.GetValues<FailureCode>().Where(code => code != FailureCode.None)) _failed.Add(0, _model, CodeOf(code));
    }

    /// <summary>What engines are measured by everywhere.</summary>
    internal VllmMetrics Engine { get; }

    public void ItemCompleted(bool isPicture, bool cameToItsEnd)
    {
        _completed.Add(1, _model);
        if (isPicture) _pictures.Add(1, _model);
        Engine.RequestEnded(cameToItsEnd ? VllmMetrics.End.Stop : VllmMetrics.End.Length);
    }

    public void ItemFailed(FailureCode code)
    {
        _failed.Add(1, _model, CodeOf(code));
        Engine.RequestEnded(VllmMetrics.End.Error);
    }

    public void ItemResumed() => _resumed.Add(1, _model);

    public void ItemYielded()
    {
        _yielded.Add(1, _model);
        Engine.RequestPreempted();
    }

    public void ResumePointWritten() => _resumePoints.Add(1, _model);

    public void LeaseLost()
    {
        _lostLeases.Add(1, _model);
        Engine.RequestEnded(VllmMetrics.End.Abort);
    }

    public void BlobRefused() => _refusedBlobs.Add(1, _model);

    public void CanaryMatched() => _canaryMatches.Add(1, _model);

    public void CanaryDiffered() => _canaryMismatches.Add(1, _model);

    private static KeyValuePair<string, object?> CodeOf(FailureCode code) => new("code", code.ToString());
}
