using System.Diagnostics.Metrics;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;

namespace Emu3.Grains.Jobs;

/// <summary>What jobs, shards and the device ledger of one silo add to meter <c>Emu3.Cluster</c>. How they stand is told by <see cref="ClusterGauges"/>.</summary>
public sealed class JobMetrics : ILifecycleParticipant<ISiloLifecycle>
{
    private readonly Counter<long> _jobs;
    private readonly Counter<long> _expiredLeases;
    private readonly Counter<long> _silos;
    private readonly Counter<long> _devices;
    private readonly Counter<long> _rewinds;

    public JobMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(WorkerMetrics.MeterName);
        _jobs = meter.CreateCounter<long>("emu3.jobs.ended", "{job}", "Jobs that ended, by status.");
        _expiredLeases = meter.CreateCounter<long>("emu3.leases.expired", "{lease}", "Leases that ended without word from their workers.");
        _silos = meter.CreateCounter<long>("emu3.silos.gone", "{silo}", "Silos that this one saw leave or die while it had shards. Each silo counts for itself.");
        _devices = meter.CreateCounter<long>("emu3.devices.quarantined", "{device}", "Times that a device was quarantined.");
        _rewinds = meter.CreateCounter<long>("emu3.items.rewound", "{item}", "Times that tokens of a watched item were taken back: others came in their place.");
    }

    /// <summary>What has not happened yet is told as 0 once the silo starts, after whoever listens: a first time that comes out of nothing is no increase to Prometheus.</summary>
    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(JobMetrics), ServiceLifecycleStage.RuntimeInitialize, _ =>
    {
        foreach (var counter in (Counter<long>[])[_expiredLeases, _silos, _devices, _rewinds]) counter.Add(0);
        foreach (var end in (JobStatus[])[JobStatus.Completed, JobStatus.Cancelled, JobStatus.Aborted]) _jobs.Add(0, StatusOf(end));
        return Task.CompletedTask;
    });

    public void JobEnded(JobStatus status) => _jobs.Add(1, StatusOf(status));

    public void LeasesExpired(int count) => _expiredLeases.Add(count);

    public void SiloGone() => _silos.Add(1);

    public void DeviceQuarantined() => _devices.Add(1);

    public void ItemRewound(int count) => _rewinds.Add(count);

    private static KeyValuePair<string, object?> StatusOf(JobStatus status) => new("status", status.ToString());
}
