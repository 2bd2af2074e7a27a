using Emu3.Grains.Interfaces;
using Emu3.Inference;
using Emu3.Silo;
using Emu3.Storage;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Emu3.Tests.Cluster;

/// <summary>Engines of a silo while they load, and when they fail.</summary>
[Trait("Suite", "Cluster")]
public sealed class EngineLoadingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Loading_IsTold_UntilTheWorkerIsThere()
    {
        var loaded = new TaskCompletionSource<IEngine>();
        using var silo = await StartAsync((_, _, progress, _) =>
        {
            progress.Report("loading weights");
            return loaded.Task;
        });
        var dispatcher = silo.Services.GetRequiredService<IGrainFactory>().GetGrain<IDispatcher>(0);
        LoadingWorker loading;
        while ((await dispatcher.GetLoadingWorkers()) is not [{ Progress: not "" } first] || first.Progress.StartsWith("starting", StringComparison.Ordinal) || (loading = first) is null)
            await Task.Delay(20, Cancellation);
        Assert.Equal($"{Environment.MachineName}/cpu", loading.Device);
        Assert.Equal("fake", loading.Model);
        Assert.StartsWith("loading weights (", loading.Progress, StringComparison.Ordinal);
        Assert.Equal("fake on " + loading.Device + ": loading weights", silo.Services.GetRequiredService<EngineStatus>().Progress);

        await using var engine = new FakeEngine();
        loaded.SetResult(engine);
        while ((await dispatcher.GetWorkers()).Count == 0) await Task.Delay(20, Cancellation);
        Assert.Empty(await dispatcher.GetLoadingWorkers());
        Assert.Equal(loading.Id, Assert.Single(await dispatcher.GetWorkers()).Id);
        await silo.StopAsync(Cancellation);
        Assert.Equal(0, silo.Services.GetRequiredService<EngineStatus>().ExitCode);
    }

    [Fact]
    public async Task ModelThatCantBeLoaded_EndsTheProcess_WithAnError()
    {
        using var silo = await StartAsync((_, _, _, _) => throw new InvalidOperationException("A tensor is missing."));
        var status = silo.Services.GetRequiredService<EngineStatus>();
        await silo.WaitForShutdownAsync(Cancellation);
        Assert.Equal(1, status.ExitCode);
        Assert.Equal("A tensor is missing.", (await Assert.ThrowsAsync<InvalidOperationException>(() => status.Ready)).Message);
    }

    [Fact]
    public async Task NativeErrorUnderWork_EndsTheProcess_WithAnError()
    {
        using var silo = await StartAsync((_, _, _, _) => Task.FromResult<IEngine>(new FakeEngine(new()
        {
            OnToken = (_, _) => throw new EngineStoppedException("CUDA error: an illegal memory access was encountered"),
        })));
        var status = silo.Services.GetRequiredService<EngineStatus>();
        await status.Ready;
        await silo.Services.GetRequiredService<IClusterClient>().SubmitAsync([TestJobs.Image(0)]);
        await silo.WaitForShutdownAsync(Cancellation);
        Assert.Equal(1, status.ExitCode);
        Assert.Contains("illegal memory access", status.Progress, StringComparison.Ordinal);
    }

    private async Task<IHost> StartAsync(EngineFactory factory)
    {
        var silo = SiloHost.Create(new()
        {
            Cluster = ClusterConnection.SingleProcess(DataFolder.At(_folder.FullPath)),
            Engines = [new EngineOptions { Model = "models/fake" }],
            EngineFactory = factory,
        });
        await silo.StartAsync(Cancellation);
        return silo;
    }
}
