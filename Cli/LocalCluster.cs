using Emu3.Cli.Commands;
using Emu3.Gateway;
using Emu3.Inference;
using Emu3.Silo;
using Emu3.Storage;
using Spectre.Console;

namespace Emu3.Cli;

/// <summary>
/// The whole cluster in this process: a silo and a gateway, each a host of its own (Orleans' server and client do not share one), on loopback. The data
/// folder is this process's alone while it runs.
/// </summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_stopPatience = TimeSpan.FromSeconds(60);

    private readonly DataFolderLock _dataLock;
    private readonly IHost _silo;
    private readonly WebApplication _gateway;

    private LocalCluster(DataFolderLock dataLock, IHost silo, WebApplication gateway, string modelName) =>
        (_dataLock, _silo, _gateway, ModelName) = (dataLock, silo, gateway, modelName);

    /// <summary>Where the gateway answers.</summary>
    public Uri Address => new(_gateway.Urls.Single());

    public string ModelName { get; }

    /// <summary>Fires when the engine has failed: nothing more will be made here.</summary>
    public CancellationToken Ended => _silo.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

    /// <summary>Why <see cref="Ended"/> fired.</summary>
    public string EndReason => $"The engine has failed: {_silo.Services.GetRequiredService<EngineStatus>().Progress}";

    /// <summary>Starts both hosts and loads the model. Takes over the lock of the data folder, also when it fails.</summary>
    /// <exception cref="CommandException">There is no such checkpoint, the port is taken, or the engine could not be loaded.</exception>
    public static async Task<LocalCluster> StartAsync(
        ClusterChoice choice, DataFolder folder, DataFolderLock dataLock, Uri address, CliConsole console, CancellationToken cancellationToken)
    {
        IHost? silo = null;
        WebApplication? gateway = null;
        try
        {
            var model = choice.IsSimulated ? null : ModelPath.Find(choice.Model, choice.Vision);
            var engine = EngineOptionsOf(choice, choice.Model ?? model?.Language ?? EngineOptions.Simulated);
            var modelName = model?.Name ?? engine.Model;

            // A new cluster at each start: nobody has to find out first that the one before is dead.
            var connection = new ClusterConnection { DataFolder = folder.FullPath, ClusterId = $"emu3-{Guid.NewGuid():N}" };
            var log = new ClusterLog(folder, choice.IsVerbose, console.Time);
            silo = SiloHost.Create(
                new()
                {
                    Cluster = connection,
                    Engines = [engine],
                    EngineFactory = console.LoadEngine,
                    Worker = new() { InteractiveSlots = choice.IsForOthers ? null : 0 },
                    StopPatience = s_stopPatience,
                },
                builder => log.AddTo(builder.Logging));
            await silo.StartAsync(cancellationToken);
            gateway = GatewayHost.Build(address, connection, builder =>
            {
                log.AddTo(builder.Logging);

                // Signals are the program's to handle.
                builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
            });
            await gateway.StartAsync(cancellationToken);
            await WaitUntilReadyAsync(silo.Services.GetRequiredService<EngineStatus>(), new(gateway.Urls.Single()), modelName, console, cancellationToken);
            var cluster = new LocalCluster(dataLock, silo, gateway, modelName);
            dataLock.PublishServerAddress(cluster.Address);
            return cluster;
        }
        catch (Exception e)
        {
            await StopAsync(silo, gateway);
            dataLock.Dispose();
            throw e is CommandException or OperationCanceledException ? e : CommandException.NotStarted($"The cluster could not be started: {e.Message}", e);
        }
    }

    /// <summary>Waits until the token is cancelled.</summary>
    /// <exception cref="CommandException">The engine has failed.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Ended);
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!cancellationToken.IsCancellationRequested)
        {
            throw CommandException.NotStarted(EndReason);
        }
    }

    /// <summary>Stops in good order: the engine's step ends, tokens of running items are kept, then the folder is free.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(_silo, _gateway);
        _dataLock.Dispose();
    }

    private static async Task StopAsync(IHost? silo, WebApplication? gateway)
    {
        if (gateway is not null)
        {
            using var atOnce = new CancellationTokenSource(TimeSpan.FromSeconds(2), TimeProvider.System);
            await gateway.StopAsync(atOnce.Token);
            await gateway.DisposeAsync();
        }

        if (silo is not null)
        {
            await silo.StopAsync(CancellationToken.None);
            await ((IAsyncDisposable)silo).DisposeAsync();
        }
    }

    /// <summary>What the command line says about the engine.</summary>
    public static EngineOptions EngineOptionsOf(ClusterChoice choice, string model)
    {
        var options = new EngineOptions { Model = model, Vision = choice.Vision };
        options.Kind = choice.IsSimulated ? EngineOptions.Simulated : options.Kind;
        options.Device = choice.Device ?? options.Device;
        options.Threads = choice.Threads ?? options.Threads;
        options.SlotCount = choice.Slots ?? options.SlotCount;
        var problems = new List<System.ComponentModel.DataAnnotations.ValidationResult>();
        return System.ComponentModel.DataAnnotations.Validator.TryValidateObject(options, new(options), problems, validateAllProperties: true)
            ? options
            : throw CommandException.BadInput(string.Join(Environment.NewLine, problems.Select(problem => problem.ErrorMessage)));
    }

    private static async Task WaitUntilReadyAsync(EngineStatus engine, Uri address, string modelName, CliConsole console, CancellationToken cancellationToken)
    {
        if (!console.IsLive)
        {
            await WaitUntilReadyAsync(engine, address, console.Time, cancellationToken);
            return;
        }

        await console.Ansi.Status().StartAsync(
            Markup.Escape($"Loading {modelName}"), _ => WaitUntilReadyAsync(engine, address, console.Time, cancellationToken));
    }

    private static async Task WaitUntilReadyAsync(EngineStatus engine, Uri address, TimeProvider time, CancellationToken cancellationToken)
    {
        await engine.Ready.WaitAsync(cancellationToken);
        using var gateway = new GatewayClient(address, time);

        // The worker has yet to introduce itself to the dispatcher, and the gateway to hear of it.
        while (!(await gateway.HealthAsync(cancellationToken)).IsReady)
        {
            await Task.Delay(s_poll, time, cancellationToken);
        }
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
