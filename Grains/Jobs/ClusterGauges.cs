using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;

namespace Emu3.Grains.Jobs;

/// <summary>
/// How jobs, workers and devices stand, as grains of this silo last told: gauges of meter <c>Emu3.Cluster</c>. A grain is on one silo, so the sum over
/// silos is the cluster's. What a grain that is gone had told becomes 0: a gauge that falls silent would keep its last value.
/// </summary>
public sealed class ClusterGauges
{
    private readonly ConcurrentDictionary<JobId, GaugedJob> _jobs = new();
    private readonly ConcurrentDictionary<string, bool> _models = new();
    private readonly TimeProvider _time;
    private volatile IReadOnlyDictionary<string, WorkerCounts> _workers = new Dictionary<string, WorkerCounts>();
    private volatile int _quarantined;

    public ClusterGauges(IMeterFactory factory, TimeProvider time)
    {
        _time = time;
        var meter = factory.Create(WorkerMetrics.MeterName);
        ByModel("emu3.items.pending", "{item}", "Items that wait for a worker, of jobs that are not paused.", job => job.Pending);
        ByModel("emu3.items.running", "{item}", "Items that a worker has.", job => job.Running);
        ByModel("emu3.jobs.active", "{job}", "Jobs that have not ended.", _ => 1);
        ByModel("emu3.jobs.past_target", "{job}", "Jobs that will end after the time that was asked for, or whose time is over.", job => IsPastTarget(job) ? 1 : 0);

        // The name by which autoscalers ask for a queue; those of the engines carry the device's name instead.
        meter.CreateObservableGauge("vllm.num_requests_waiting", () => SumByModel(job => job.Pending, new KeyValuePair<string, object?>("engine", "queue")), "{request}",
            "Requests that wait: in an engine, and with engine=\"queue\" in jobs, for a worker.");
        meter.CreateObservableGauge("emu3.workers.ready", () => Workers(count => count.Ready), "{worker}", "Workers that take work.");
        meter.CreateObservableGauge("emu3.workers.loading", () => Workers(count => count.Loading), "{worker}", "Workers that load their model.");
        meter.CreateObservableGauge("emu3.devices.in_quarantine", () => _quarantined, "{device}", "Devices that get no work until they are released.");

        void ByModel(string name, string unit, string description, Func<GaugedJob, int> count) =>
            meter.CreateObservableGauge(name, () => SumByModel(count), unit, description);
    }

    /// <summary>A job that has not ended tells how it stands.</summary>
    /// <param name="id">The job.</param>
    /// <param name="job">As its owner sees it.</param>
    public void JobStands(JobId id, JobSnapshot job)
    {
        _models[job.Spec.Model] = true;
        var pending = job.Status is JobStatus.Queued or JobStatus.Running ? job.Counts.Pending : 0;
        _jobs[id] = new(job.Spec.Model, pending, job.Counts.Running, job.Spec.DueAt, _time.GetUtcNow() + job.Eta);
    }

    /// <summary>A job has ended, or its grain is no longer here.</summary>
    public void JobGone(JobId id) => _jobs.TryRemove(id, out _);

    /// <summary>The dispatcher tells which workers it knows, by model; none when it is no longer here.</summary>
    public void WorkersStand(IEnumerable<(string Model, WorkerCounts Count)> workers)
    {
        var counts = _workers.Keys.ToDictionary(model => model, _ => default(WorkerCounts));
        foreach (var (model, count) in workers)
            counts[model] = new(counts.GetValueOrDefault(model).Ready + count.Ready, counts.GetValueOrDefault(model).Loading + count.Loading);
        _workers = counts;
    }

    /// <summary>The ledger tells how many devices are quarantined; none when it is no longer here.</summary>
    public void DevicesStand(int quarantined) => _quarantined = quarantined;

    private bool IsPastTarget(GaugedJob job)
    {
        var now = _time.GetUtcNow();
        return job.DueAt is { } due && (now > due || job.ExpectedAt > due);
    }

    private IEnumerable<Measurement<int>> SumByModel(Func<GaugedJob, int> count, params KeyValuePair<string, object?>[] tags)
    {
        var sums = _models.Keys.ToDictionary(model => model, _ => 0);
        foreach (var job in _jobs.Values) sums[job.Model] = sums.GetValueOrDefault(job.Model) + count(job);
        return sums.Select(sum => new Measurement<int>(sum.Value, [ModelOf(sum.Key), .. tags]));
    }

    private IEnumerable<Measurement<int>> Workers(Func<WorkerCounts, int> count) => _workers.Select(model => new Measurement<int>(count(model.Value), ModelOf(model.Key)));

    private static KeyValuePair<string, object?> ModelOf(string model) => new("model_name", model);

    private sealed record GaugedJob(string Model, int Pending, int Running, DateTimeOffset? DueAt, DateTimeOffset? ExpectedAt);
}

/// <summary>Workers of one model.</summary>
/// <param name="Ready">They take work.</param>
/// <param name="Loading">They load the model.</param>
public readonly record struct WorkerCounts(int Ready, int Loading);
