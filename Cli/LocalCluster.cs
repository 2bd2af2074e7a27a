using Emu3.Cli.Commands;
using Emu3.Cli.Devices;
using Emu3.Gateway;
using Emu3.Grains.Workers;
using Emu3.Inference;
using Emu3.Observability;
using Emu3.Silo;
using Emu3.Storage;
using Spectre.Console;

namespace Emu3.Cli;

/// <summary>
/// The cluster of this command, on loopback: a gateway and a silo, each a host of its own in this process (Orleans' server and client do not share one).
/// A single device runs in that silo; of several, each has a silo of its own in a process that is supervised, and the one here holds the jobs.
/// The data folder is this command's alone while it runs.
/// </summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longStop = TimeSpan.FromSeconds(1);

    private readonly DataFolderLock _dataLock;
    private IHost? _silo;
    private WebApplication? _gateway;
    private ILocalDevices? _devices;
    private ClusterLog? _log;
    private readonly CancellationTokenSource _stopping = new();
    private Task _watching = Task.CompletedTask;

    private readonly CliConsole _console;

    private LocalCluster(DataFolderLock dataLock, string modelName, CliConsole console) => (_dataLock, ModelName, _console) = (dataLock, modelName, console);

    /// <summary>Where the gateway answers.</summary>
    public Uri Address => new(_gateway!.Urls.Single());

    /// <summary>Where this process serves its metrics; null when it does not.</summary>
    public Uri? MetricsAddress => _silo!.Services.GetService<MetricsServer>()?.Address;

    public string ModelName { get; }

    /// <summary>What makes the outputs.</summary>
    public ILocalDevices Devices => _devices!;

    /// <summary>
    /// Starts everything, and waits until a first device takes work; where only jobs are asked for, nothing but what holds them, and others wait until this
    /// ends. Takes over the lock of the data folder, also when it fails.
    /// </summary>
    /// <exception cref="CommandException">There is no such checkpoint, the port is taken, or no device could load the model.</exception>
    public static async Task<LocalCluster> StartAsync(
        ClusterChoice choice, DataFolder folder, DataFolderLock dataLock, Uri address, CliConsole console, CancellationToken cancellationToken)
    {
        LocalCluster? cluster = null;
        try
        {
            var model = choice.IsSimulated || choice.IsControlOnly ? null : ModelPath.Find(choice.Model, choice.Vision);
            var checkpoint = choice.Model ?? model?.Language ?? EngineOptions.Simulated;
            cluster = new(dataLock, model?.Name ?? checkpoint, console);
            await cluster.StartHostsAsync(choice, folder, checkpoint, address, console, cancellationToken);
            await cluster.WaitUntilReadyAsync(choice.IsControlOnly, console, cancellationToken);
            if (!choice.IsControlOnly)
            {
                dataLock.PublishServerAddress(cluster.Address);
            }

            return cluster;
        }
        catch (Exception e)
        {
            await (cluster is null ? ReleaseAsync(dataLock) : cluster.DisposeAsync());
            throw e is CommandException or OperationCanceledException ? e : CommandException.NotStarted($"The cluster could not be started: {e.Message}", e);
        }
    }

    /// <summary>Waits until the token is cancelled.</summary>
    /// <exception cref="CommandException">No device is left.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Devices.Ended);
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!cancellationToken.IsCancellationRequested)
        {
            throw CommandException.NotStarted(Devices.EndReason);
        }
    }

    /// <summary>
    /// Stops in good order: first the gateway, while the engines still work, so that answers which are under way are finished; then the engines' steps end,
    /// and tokens of running items are kept; then the folder is free.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await StopGatewayAsync(_gateway);
            await _gateway.DisposeAsync();
        }

        await _stopping.CancelAsync();
        await _watching;

        // Workers give back to the jobs here what they hold, so these go last.
        if (_devices is not null)
        {
            await _devices.DisposeAsync();
        }

        if (_silo is not null)
        {
            await _silo.StopAsync(CancellationToken.None);
            await ((IAsyncDisposable)_silo).DisposeAsync();
        }

        _stopping.Dispose();
        _log?.Dispose();
        await ReleaseAsync(_dataLock);
    }

    private async Task StopGatewayAsync(WebApplication gateway)
    {
        // Without an engine nothing is finished any more.
        var noEngine = _devices?.Ended ?? CancellationToken.None;
        var stopping = gateway.StopAsync(noEngine);
        if (await Task.WhenAny(stopping, Task.Delay(s_longStop, TimeProvider.System, CancellationToken.None)) != stopping && !noEngine.IsCancellationRequested)
        {
            _console.Error.WriteLine("Finishing the answers that are under way. Send the signal again to stop at once.");
        }

        try
        {
            await stopping;
        }
        catch (OperationCanceledException) when (noEngine.IsCancellationRequested)
        {
            // It was told not to wait.
        }
    }

    private static ValueTask ReleaseAsync(DataFolderLock dataLock)
    {
        dataLock.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task StartHostsAsync(
        ClusterChoice choice, DataFolder folder, string checkpoint, Uri address, CliConsole console, CancellationToken cancellationToken)
    {
        var devices = choice.IsControlOnly ? new DeviceList([]) : LocalEngines.DevicesOf(choice);
        if (LocalEngines.DescribeUnusedDevices(choice) is { } unused)
        {
            console.Error.WriteLine($"{unused}.");
        }

        EngineOptions[] engines = [.. devices.Devices.Select(device => LocalEngines.OptionsOf(choice, devices, device, checkpoint))];
        var isOwn = devices.Count == 1;

        // A new cluster at each start: nobody has to find out first that the one before is dead.
        var connection = ClusterConnection.SingleProcess(folder);
        var worker = new WorkerOptions { InteractiveSlots = choice.IsForOthers ? null : 0 };
        var log = _log = new ClusterLog(folder, choice.IsVerbose, console.Time);
        _silo = SiloHost.Create(
            new()
            {
                Cluster = connection,
                Roles = isOwn ? SiloRoles.Control | SiloRoles.Worker : SiloRoles.Control,
                Engines = isOwn ? engines : [],
                EngineFactory = console.LoadEngine,
                Worker = worker,
                Webhooks = new() { AllowedNetworks = [.. choice.WebhookNetworks], AllowHttp = choice.WebhookNetworks.Count > 0 },
                Metrics = LocalEngines.MetricsOf(choice, process: 0),
            },
            builder => log.AddTo(builder.Logging));
        await _silo.StartAsync(cancellationToken);
        _devices = isOwn
            ? new OwnDevice(_silo)
            : Supervise(devices, [.. engines.Select((engine, place) => LocalEngines.SettingsOf(connection, engine, worker, LocalEngines.MetricsOf(choice, place + 1)))], choice.IsVerbose, _silo.Services, console);
        _gateway = GatewayHost.Build(address, connection, builder =>
        {
            log.AddTo(builder.Logging);
            builder.Services.AddSingleton(new GatewayHostOptions
            {
                BootstrapKeyFile = choice.BootstrapKeyFile,
                CorsOrigins = [.. choice.CorsOrigins],
                StopTimeout = choice.StopTimeout,
                ReadyModel = choice.IsControlOnly ? null : GatewayHostOptions.AnyModel, // all engines here run the one that was asked for
            });

            // Signals are the program's to handle.
            builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        });
        await _gateway.StartAsync(cancellationToken);
    }

    private DeviceSupervisor Supervise(DeviceList devices, string[] settings, bool isVerbose, IServiceProvider silo, CliConsole console)
    {
        var membership = silo.GetRequiredService<IClusterMembershipService>();
        var supervisor = new DeviceSupervisor(
            devices, (index, onReport, onLine) => SiloProcess.Start(devices.Names[index], settings[index], isVerbose, onReport, onLine), new(),
            address => membership.TryKill(SiloAddress.FromParsableString(address)), console.Error.WriteLine, console.Time,
            silo.GetRequiredService<ILogger<DeviceSupervisor>>());
        supervisor.Start();
        _watching = WatchAsync(membership, supervisor, _stopping.Token);
        return supervisor;
    }

    private static async Task WatchAsync(IClusterMembershipService membership, DeviceSupervisor supervisor, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var snapshot in membership.MembershipUpdates.WithCancellation(cancellationToken))
            {
                foreach (var dead in snapshot.Members.Values.Where(member => member.Status == SiloStatus.Dead))
                {
                    supervisor.SiloIsDead(dead.SiloAddress.ToParsableString());
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The cluster ends.
        }
    }

    private async Task WaitUntilReadyAsync(bool isControlOnly, CliConsole console, CancellationToken cancellationToken)
    {
        if (!console.IsLive || isControlOnly)
        {
            await WaitUntilReadyAsync(console.Time, cancellationToken);
            return;
        }

        await console.Ansi.Status().StartAsync(Markup.Escape($"Loading {ModelName}"), async status =>
        {
            var ready = WaitUntilReadyAsync(console.Time, cancellationToken);
            while (await Task.WhenAny(ready, Task.Delay(4 * s_poll, console.Time, CancellationToken.None)) != ready)
            {
                status.Status = Markup.Escape($"Loading {ModelName}: {Devices.Describe()}");
            }

            await ready;
        });
    }

    /// <summary>Ready means that the model can answer; where only jobs are asked for, that the cluster does.</summary>
    private async Task WaitUntilReadyAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        using var gateway = new GatewayClient(Address, time);
        while (!await gateway.IsReadyAsync(cancellationToken))
        {
            if (Devices.Ended.IsCancellationRequested)
            {
                throw CommandException.NotStarted($"The cluster could not be started: {Devices.EndReason}");
            }

            await Task.Delay(s_poll, time, cancellationToken);
        }
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
