using System.Diagnostics.Metrics;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;
using Emu3.Inference;
using Emu3.Storage.Blobs;

namespace Emu3.Silo;

/// <summary>
/// The engines of this silo: loads each in the background while the silo already serves, then runs its pull loop.
/// The silo's drain (<see cref="SiloDrain"/>) ends them.
/// </summary>
public sealed partial class EngineHostedService(
    SiloSettings settings, EngineStatus status, LocalWorkers workers, ILocalSiloDetails silo, IGrainFactory grains, IBlobStore blobs, TimeProvider time,
    IServiceProvider services, IHostApplicationLifetime lifetime, ILogger<EngineHostedService> logger, ILoggerFactory loggers,
    IMeterFactory meters) : IHostedService, IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _runs = [];
    private readonly List<WorkerLoop> _loops = [];
    private int _isDisposed;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (settings.Roles.HasFlag(SiloRoles.Worker)) _runs.AddRange(settings.Engines.Select(options => Task.Run(() => RunAsync(options), CancellationToken.None)));
        return Task.CompletedTask;
    }

    /// <summary>Nothing yet: the silo drains while it is still in the cluster.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Stops pulling, keeps what was generated, gives leases back, and frees the devices.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        WorkerLoop[] loops;
        lock (_loops) loops = [.. _loops];
        await Task.WhenAll(loops.Select(loop => loop.DrainAsync(cancellationToken)));
        await _stopping.CancelAsync();
        await Task.WhenAll(_runs).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>The container holds this under two names, and so ends it twice.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        await _stopping.CancelAsync();
        await Task.WhenAll(_runs).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task RunAsync(EngineOptions options)
    {
        var (id, device) = (IdOf(options), settings.Worker.NameOf(options.FindDeviceId()));
        await using var announcer = new LoadingAnnouncer(new LoadingWorker(id, device, options.ModelName, ""), status, grains, time, logger);
        try
        {
            LogLoading(options.Model, options.Device);
            var started = time.GetTimestamp();
            await using var engine = await settings.EngineFactory(options, services, announcer, _stopping.Token);
            await announcer.DisposeAsync();
            LogLoaded(engine.Model.Name, options.Device, engine.Load.SlotCount, time.GetElapsedTime(started).TotalSeconds, engine.NumericClass.RowInvariant);
            var loop = new WorkerLoop(
                id, device, engine, grains, blobs, settings.Worker, new WorkerMetrics(meters, engine.Model.Name, options.Device, () => engine.Load), time,
                loggers.CreateLogger<WorkerLoop>());
            lock (_loops) _loops.Add(loop);
            workers.Add(loop);
            status.EngineReady();
            var run = loop.RunAsync(_stopping.Token);
            if (await Task.WhenAny(run, loop.EngineEnded) == loop.EngineEnded) Fail(options, (await loop.EngineEnded)!);
            else await run;
            workers.Remove(id);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Stopped while it loaded.
        }
        catch (Exception failure)
        {
            await announcer.FailAsync(failure);
            Fail(options, failure);
        }
    }

    /// <summary>One worker a device; where several models share one, the model's name tells them apart.</summary>
    private WorkerId IdOf(EngineOptions options)
    {
        var isShared = settings.Engines.Count(other => other.Device == options.Device) > 1;
        return new($"{silo.SiloAddress.ToParsableString()}/{options.Device}{(isShared ? $"+{options.ModelName}" : "")}");
    }

    /// <summary>Without its engine the process is no use: whoever supervises it starts another.</summary>
    private void Fail(EngineOptions options, Exception failure)
    {
        LogFailed(failure, options.Model, options.Device);
        status.EngineFailed(failure);
        lifetime.StopApplication();
    }

    [LoggerMessage(LogLevel.Information, "Loading {Model} on {Device}.")]
    private partial void LogLoading(string model, string device);

    [LoggerMessage(LogLevel.Information, "{Model} is ready on {Device}: {SlotCount} slots, loaded in {Seconds:0.0} s, row invariant: {IsRowInvariant}.")]
    private partial void LogLoaded(string model, string device, int slotCount, double seconds, bool isRowInvariant);

    [LoggerMessage(LogLevel.Critical, "The engine of {Model} on {Device} has failed.")]
    private partial void LogFailed(Exception failure, string model, string device);
}
