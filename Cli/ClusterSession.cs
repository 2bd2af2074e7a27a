using Emu3.Cli.Commands;
using Emu3.Cli.Devices;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Storage;

namespace Emu3.Cli;

/// <summary>
/// A gateway to talk to: the one that <c>--server</c> names, else the one of the process that has the data folder, else one that is started in this
/// process and ends with the session.
/// </summary>
internal sealed class ClusterSession : IAsyncDisposable
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(200);
    private static readonly Uri s_anyPort = new("http://127.0.0.1:0");
    private readonly LocalCluster? _cluster;
    private WorkerWaitNotice? _wait;

    private ClusterSession(GatewayClient gateway, ServedModel model, LocalCluster? cluster) => (Gateway, Model, _cluster) = (gateway, model, cluster);

    public GatewayClient Gateway { get; }

    /// <summary>The model that requests of this session run on.</summary>
    public ServedModel Model { get; }

    /// <summary>The cluster runs in this process: it ends with it.</summary>
    public bool IsLocal => _cluster is not null;

    /// <summary>
    /// What there is to say of devices, in a few words: that no worker is there yet, or how those of the cluster that runs here stand, where there are several.
    /// </summary>
    public string? DescribeDevices() => _wait?.Describe() ?? (_cluster?.Devices as DeviceSupervisor)?.Describe();

    /// <summary>Opens a session, does the work in it, and closes it. An engine that fails under the work ends it.</summary>
    /// <exception cref="CommandException">There is no cluster, it could not be started, runs another model, or its engine has failed.</exception>
    public static async Task<int> UseAsync(
        ClusterChoice choice, CliConsole console, Func<ClusterSession, CancellationToken, Task<int>> work, CancellationToken cancellationToken)
    {
        await using var session = await OpenAsync(choice, console, cancellationToken);
        if (!session.Model.IsLoaded)
        {
            session._wait = new(session.Gateway, session.Model.Id, console);
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, session._cluster?.Devices.Ended ?? CancellationToken.None);
        try
        {
            return await work(session, either.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested && session._cluster is { Devices.Ended.IsCancellationRequested: true } cluster)
        {
            throw CommandException.NotStarted(cluster.Devices.EndReason, e);
        }
    }

    /// <summary>
    /// Opens a way to the jobs of a cluster, does the work, and closes it. Where nobody runs the cluster of the data folder, its jobs are there without
    /// a worker while this lasts.
    /// </summary>
    /// <exception cref="CommandException">There is no cluster, or it could not be started.</exception>
    public static async Task<int> ControlAsync(
        ClusterChoice choice, CliConsole console, Func<GatewayClient, CancellationToken, Task<int>> work, CancellationToken cancellationToken)
    {
        if (choice.Server is { } server)
        {
            using var theirs = new GatewayClient(server, console.Time, tell: console.Error.WriteLine, key: choice.Key);
            return await work(theirs, cancellationToken);
        }

        var (folder, dataLock, first) = await TakeAsync(choice, console, cancellationToken);
        if (first is not null)
        {
            using var theirs = new GatewayClient(first.Address, console.Time, tell: console.Error.WriteLine, key: choice.Key);
            return await work(theirs, cancellationToken);
        }

        await using var cluster = await LocalCluster.StartAsync(choice, folder, dataLock!, s_anyPort, console, cancellationToken);
        using var gateway = new GatewayClient(cluster.Address, console.Time, key: choice.Key);
        return await work(gateway, cancellationToken);
    }

    /// <summary>Opens a session; ready to run requests when this returns.</summary>
    private static async Task<ClusterSession> OpenAsync(ClusterChoice choice, CliConsole console, CancellationToken cancellationToken)
    {
        if (choice.Server is { } server)
        {
            return await ConnectAsync(server, choice, $"The gateway at {server}", console, cancellationToken);
        }

        var (folder, dataLock, first) = await TakeAsync(choice, console, cancellationToken);
        if (first is null)
        {
            return await StartAsync(choice, folder, dataLock!, console, cancellationToken);
        }

        console.Error.WriteLine($"Another emu3 (process {first.ProcessId}, {first.Address}) has the data folder {folder.FullPath}: this one is its client.");
        return await ConnectAsync(first.Address, choice, $"The emu3 that has the data folder (process {first.ProcessId})", console, cancellationToken);
    }

    /// <summary>Takes the data folder for this process, or finds the process that has it.</summary>
    private static async Task<(DataFolder Folder, DataFolderLock? Lock, RunningServer? First)> TakeAsync(
        ClusterChoice choice, CliConsole console, CancellationToken cancellationToken)
    {
        var folder = OpenFolder(choice.Data);
        for (var waited = false; ; waited = true)
        {
            if (folder.TryLock() is { } dataLock)
            {
                return (folder, dataLock, null);
            }

            // The first may still be loading its model, or be about to end: then the folder comes free.
            if (folder.ReadServer() is { } first)
            {
                return (folder, null, first);
            }

            if (folder.IsShared())
            {
                throw CommandException.NotStarted(
                    $"The data folder {folder.FullPath} belongs to a cluster of several processes: name its gateway with --server URL, or another folder with --data.");
            }

            if (!waited)
            {
                console.Error.WriteLine($"Another emu3 has the data folder {folder.FullPath} and is starting or ending: this one waits.");
            }

            await Task.Delay(s_poll, console.Time, cancellationToken);
        }
    }

    /// <summary>The data folder, made where it is not there yet.</summary>
    public static DataFolder OpenFolder(string path)
    {
        try
        {
            return DataFolder.At(path);
        }
        catch (DataFolderException e)
        {
            throw CommandException.NotStarted(e.Message, e);
        }
    }

    /// <summary>Stops the cluster where this session started it: running items are kept with their tokens.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_wait is not null)
        {
            await _wait.DisposeAsync();
        }

        Gateway.Dispose();
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    private static async Task<ClusterSession> StartAsync(
        ClusterChoice choice, DataFolder folder, DataFolderLock dataLock, CliConsole console, CancellationToken cancellationToken)
    {
        var cluster = await LocalCluster.StartAsync(choice, folder, dataLock, s_anyPort, console, cancellationToken);
        var gateway = new GatewayClient(cluster.Address, console.Time, key: choice.Key);
        try
        {
            var models = await gateway.ModelsAsync(cancellationToken);
            return new(gateway, Choose(models, cluster.ModelName) ?? Choose(models, null)!, cluster);
        }
        catch
        {
            gateway.Dispose();
            await cluster.DisposeAsync();
            throw;
        }
    }

    private static async Task<ClusterSession> ConnectAsync(Uri address, ClusterChoice choice, string who, CliConsole console, CancellationToken cancellationToken)
    {
        var (model, gateway) = (choice.Model, new GatewayClient(address, console.Time, tell: console.Error.WriteLine, key: choice.Key));
        try
        {
            var name = model is null ? null : ModelPath.NameOf(model);
            var served = Choose(await gateway.ModelsAsync(cancellationToken), name, choice.CanWait, who);
            return new(gateway, served, null);
        }
        catch (GatewayRefusal e)
        {
            gateway.Dispose();
            throw CommandException.NotStarted($"{who} can't be used: {e.Message}", e);
        }
        catch
        {
            gateway.Dispose();
            throw;
        }
    }

    /// <summary>The model of a name, or any; one that is loaded somewhere, before one that the cluster only knows of.</summary>
    /// <exception cref="CommandException">There is none, or more than one may be meant.</exception>
    private static ServedModel Choose(IReadOnlyList<ServedModel> models, string? name, bool canWait, string who)
    {
        var usable = models.Where(model => model.IsLoaded || canWait).ToList();
        if (usable.Count == 0)
        {
            throw CommandException.NotStarted(models.Count == 0
                ? $"{who} knows no model: no worker has loaded one yet, and Silo:Models of its control silos names none."
                : $"{who} has no model loaded.");
        }

        var meant = usable.Where(model => ItemResolver.IsFor(model.Info, name)).ToList();
        if (meant.Count > 1 && !meant.Exists(model => model.IsLoaded))
        {
            throw CommandException.BadInput($"{who} knows {Names(meant)}, and no worker has one of them loaded: name one with --model.");
        }

        return Choose(meant, name) ?? throw CommandException.NotStarted(
            $"{who} {(usable.Exists(model => model.IsLoaded) ? "runs" : "knows")} {Names(usable)}, not {name}: end it first, or name another --data.");
    }

    private static string Names(IEnumerable<ServedModel> models) => string.Join(", ", models.Select(model => model.Id));

    /// <summary>The model of a name, or any; one that is loaded somewhere, before one that the cluster only remembers.</summary>
    private static ServedModel? Choose(IReadOnlyList<ServedModel> models, string? name) =>
        models.Where(model => ItemResolver.IsFor(model.Info, name)).MaxBy(model => model.Workers > 0);
}
