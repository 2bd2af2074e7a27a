using System.Diagnostics.Metrics;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Grains.Workers;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace Emu3.Tests.Unit.Grains.Workers;

[Trait("Suite", "Fast")]
public sealed class WorkerMetricsTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly IMeterFactory _meters;
    private readonly CountedMetrics _counted;

    public WorkerMetricsTests()
    {
        _meters = _services.GetRequiredService<IMeterFactory>();
        _counted = new(_meters);
    }

    public void Dispose()
    {
        _counted.Dispose();
        _services.Dispose();
    }

    [Fact]
    public void Items_AreCountedByModelAndCode()
    {
        var draws = new WorkerMetrics(_meters, "draws");
        var chats = new WorkerMetrics(_meters, "chats");
        draws.ItemCompleted(isPicture: true, cameToItsEnd: true);
        draws.ItemCompleted(isPicture: true, cameToItsEnd: true);
        chats.ItemCompleted(isPicture: false, cameToItsEnd: false);
        chats.ItemFailed(FailureCode.EngineFailed);
        chats.ItemResumed();

        Assert.Equal((3, 2, 1), (_counted["emu3.items.completed"], _counted["emu3.items.completed{model_name=draws}"], _counted["emu3.items.completed{model_name=chats}"]));
        Assert.Equal((1, 1), (_counted["emu3.items.failed{code=EngineFailed}"], _counted["emu3.items.failed{model_name=chats}"]));
        Assert.Equal(1, _counted["emu3.items.resumed"]);
        Assert.Equal((2, 0), (_counted["emu3.images.completed{model_name=draws}"], _counted["emu3.images.completed{model_name=chats}"]));
        Assert.Equal((2, 1, 1), (_counted["vllm.request_success{finished_reason=stop}"], _counted["vllm.request_success{finished_reason=length}"],
            _counted["vllm.request_success{finished_reason=error}"]));
    }

    [Fact]
    public void EachVerb_CountsOneInstrument()
    {
        var metrics = new WorkerMetrics(_meters, "draws");
        var verbs = new Dictionary<string, Action>
        {
            ["emu3.items.yielded"] = metrics.ItemYielded,
            ["emu3.checkpoints.written"] = metrics.ResumePointWritten,
            ["emu3.leases.lost"] = metrics.LeaseLost,
            ["emu3.blobs.refused"] = metrics.BlobRefused,
            ["emu3.canary.matches"] = metrics.CanaryMatched,
            ["emu3.canary.mismatches"] = metrics.CanaryDiffered,
        };
        foreach (var verb in verbs.Values) verb();

        Assert.All(verbs.Keys, name => Assert.Equal(1, _counted[$"{name}{{model_name=draws}}"]));
    }

    [Fact]
    public void Jobs_AreCountedByStatus()
    {
        var metrics = new JobMetrics(_meters);
        metrics.JobEnded(JobStatus.Completed);
        metrics.JobEnded(JobStatus.Cancelled);
        metrics.LeasesExpired(7);
        metrics.SiloGone();
        metrics.DeviceQuarantined();

        Assert.Equal((2, 1), (_counted["emu3.jobs.ended"], _counted["emu3.jobs.ended{status=Cancelled}"]));
        Assert.Equal((7, 1, 1), (_counted["emu3.leases.expired"], _counted["emu3.silos.gone"], _counted["emu3.devices.quarantined"]));
    }
}
