using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Reference;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Endpoints;

/// <summary><c>/v1/workers</c>: what runs the items, what is on its way, and what gets no work any more.</summary>
internal static class Workers
{
    /// <summary>A worker that is busy loading a picture or gone answers late or never: it is listed without its load.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/workers", List).Tell(ApiGroups.Workers, "List workers", "What runs, what is loading, and what is quarantined.").Gives<WorkerList>();
        // Devices are host/device: written with the slash as it is, or as %2F.
        routes.MapPost("/v1/workers/{device}/release", (string device, HttpContext http, ClusterCalls cluster, AuditTrail audit) =>
            Release(Uri.UnescapeDataString(device), http, cluster, audit)).WithMetadata(AdminRoute.Metadata)
            .Tell(ApiGroups.Workers, "Lift a device's quarantine", "The device with its slash as %2F.").Gives<WorkerList>();
        routes.MapPost("/v1/workers/{host}/{device}/release", (string host, string device, HttpContext http, ClusterCalls cluster, AuditTrail audit) =>
            Release($"{host}/{device}", http, cluster, audit)).WithMetadata(AdminRoute.Metadata)
            .Tell(ApiGroups.Workers, "Lift a device's quarantine, by host and device").Gives<WorkerList>();
    }

    private static async Task<IResult> List(ClusterCalls cluster, CancellationToken cancellationToken)
    {
        var (ready, loading, quarantined) = await Read(cluster, cancellationToken);
        var loads = await Task.WhenAll(ready.Select(worker => LoadOf(worker.Id, cluster, cancellationToken)));
        var absent = quarantined.Where(device => ready.All(worker => worker.Device != device.Key) && loading.All(worker => worker.Device != device.Key));
        return new JsonAnswer<WorkerList>(new([.. ready.Zip(loads, WorkerAnswer.Of).Concat(loading.Select(WorkerAnswer.Of))
            .Concat(absent.Select(device => WorkerAnswer.OfAbsent(device.Key, device.Value))).OrderBy(worker => worker.Device, StringComparer.Ordinal)]));
    }

    /// <summary>Everything that is known of workers and devices.</summary>
    public static async Task<(IReadOnlyList<WorkerInfo> Ready, IReadOnlyList<LoadingWorker> Loading, IReadOnlyDictionary<string, string> Quarantined)> Read(
        ClusterCalls cluster, CancellationToken cancellationToken)
    {
        var ready = cluster.Repeat(() => cluster.Dispatcher.GetWorkers(), cancellationToken);
        var loading = cluster.Repeat(() => cluster.Dispatcher.GetLoadingWorkers(), cancellationToken);
        var quarantined = cluster.Repeat(() => cluster.DeviceLedger.GetQuarantined(), cancellationToken);
        return (await ready, await loading, await quarantined);
    }

    private static async Task<IResult> Release(string device, HttpContext http, ClusterCalls cluster, AuditTrail audit)
    {
        var cancellationToken = http.RequestAborted;
        var (ready, loading, quarantined) = await Read(cluster, cancellationToken);
        if (!quarantined.ContainsKey(device) && ready.All(worker => worker.Device != device) && loading.All(worker => worker.Device != device))
            return FailureResponses.WorkerNotFound(device, quarantined.Keys);
        await audit.Record(http, "device.release", device);
        await cluster.Repeat(() => cluster.DeviceLedger.Release(device), cancellationToken);
        // The dispatcher looks into the ledger now, and not only on its next round.
        await cluster.Repeat(() => cluster.Dispatcher.Wake(), cancellationToken);
        return await List(cluster, cancellationToken);
    }

    private static async Task<WorkerLoad?> LoadOf(WorkerId worker, ClusterCalls cluster, CancellationToken cancellationToken)
    {
        try
        {
            return await cluster.Grain<IModelWorker>(worker.Value).GetLoad().WaitAsync(s_patience, cluster.Time, cancellationToken);
        }
        catch (Exception exception) when (exception is WorkerSiloGoneException || ClusterCalls.IsTransient(exception, cancellationToken))
        {
            return null;
        }
    }
}
