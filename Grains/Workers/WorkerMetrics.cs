using System.Diagnostics.Metrics;
using Emu3.Grains.Interfaces;

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
    private readonly Counter<long> _checkpoints;
    private readonly Counter<long> _lostLeases;
    private readonly Counter<long> _refusedBlobs;
    private readonly Counter<long> _canaryMatches;
    private readonly Counter<long> _canaryMismatches;
    private readonly KeyValuePair<string, object?> _model;

    /// <param name="factory">Makes the meter.</param>
    /// <param name="model">The model's name, a tag of everything here.</param>
    public WorkerMetrics(IMeterFactory factory, string model)
    {
        _model = new("model", model);
        var meter = factory.Create(MeterName);
        _completed = meter.CreateCounter<long>("emu3.items.completed", "{item}", "Items that a worker made and its shard recorded.");
        _failed = meter.CreateCounter<long>("emu3.items.failed", "{item}", "Items that failed, by code.");
        _resumed = meter.CreateCounter<long>("emu3.items.resumed", "{item}", "Items that went on from an earlier lease's checkpoint.");
        _yielded = meter.CreateCounter<long>("emu3.items.yielded", "{item}", "Batch items that gave way to ones that somebody waits for.");
        _checkpoints = meter.CreateCounter<long>("emu3.checkpoints.written", "{checkpoint}", "Checkpoints written.");
        _lostLeases = meter.CreateCounter<long>("emu3.leases.lost", "{lease}", "Leases that a shard took from a worker that still had them: after a silence, or with a cancelled job.");
        _refusedBlobs = meter.CreateCounter<long>("emu3.blobs.refused", "{call}", "Reads and writes that the blob store refused, and that are tried again.");
        _canaryMatches = meter.CreateCounter<long>("emu3.canary.matches", "{item}", "Pictures made again by an idle worker, token for token.");
        _canaryMismatches = meter.CreateCounter<long>("emu3.canary.mismatches", "{item}", "Pictures made again by an idle worker, with other tokens: a device computes wrongly.");
    }

    public void ItemCompleted() => _completed.Add(1, _model);

    public void ItemFailed(FailureCode code) => _failed.Add(1, _model, new KeyValuePair<string, object?>("code", code.ToString()));

    public void ItemResumed() => _resumed.Add(1, _model);

    public void ItemYielded() => _yielded.Add(1, _model);

    public void CheckpointWritten() => _checkpoints.Add(1, _model);

    public void LeaseLost() => _lostLeases.Add(1, _model);

    public void BlobRefused() => _refusedBlobs.Add(1, _model);

    public void CanaryMatched() => _canaryMatches.Add(1, _model);

    public void CanaryDiffered() => _canaryMismatches.Add(1, _model);
}
