using System.Diagnostics.Metrics;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;

namespace Emu3.Grains.Jobs;

/// <summary>What jobs, shards and the device ledger of one silo add to meter <c>Emu3.Cluster</c>.</summary>
public sealed class JobMetrics
{
    private readonly Counter<long> _jobs;
    private readonly Counter<long> _expiredLeases;
    private readonly Counter<long> _silos;
    private readonly Counter<long> _devices;

    public JobMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(WorkerMetrics.MeterName);
        _jobs = meter.CreateCounter<long>("emu3.jobs.ended", "{job}", "Jobs that ended, by status.");
        _expiredLeases = meter.CreateCounter<long>("emu3.leases.expired", "{lease}", "Leases that ended without word from their workers.");
        _silos = meter.CreateCounter<long>("emu3.silos.gone", "{silo}", "Silos that this one saw leave or die while it had shards. Each silo counts for itself.");
        _devices = meter.CreateCounter<long>("emu3.devices.quarantined", "{device}", "Devices that get no work until they are released.");
    }

    public void JobEnded(JobStatus status) => _jobs.Add(1, new KeyValuePair<string, object?>("status", status.ToString()));

    public void LeasesExpired(int count) => _expiredLeases.Add(count);

    public void SiloGone() => _silos.Add(1);

    public void DeviceQuarantined() => _devices.Add(1);
}
