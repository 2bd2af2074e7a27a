using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Cluster;

/// <summary>
/// Finds the model of a request that somebody waits for. While a worker is loading it, the request waits: <see cref="GatewayHostOptions.LoadTimeout"/> at most.
/// </summary>
internal sealed class ServedModels(ModelCatalog catalog, ClusterCalls cluster, GatewayDrain drain, GatewayHostOptions options)
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// A model that was served so short a time ago is waited for as well: after the dispatcher has moved to another silo, or forgot a worker that was too busy
    /// to ask for work, the worker registers again by itself.
    /// </summary>
    internal static readonly TimeSpan ReturnTime = TimeSpan.FromSeconds(15);

    /// <summary>The model, with workers that can begin now. Or what is wrong.</summary>
    /// <param name="model">Its name; null means the only one that <paramref name="can"/>.</param>
    /// <param name="can">Does what the request asks for.</param>
    /// <param name="cancellationToken">Nobody waits any more.</param>
    public async Task<(KnownModel? Model, FailureResponse? Refusal)> Find(string? model, Func<ModelInfo, bool> can, CancellationToken cancellationToken)
    {
        var began = cluster.Time.GetTimestamp();
        var name = catalog.Meant(model);
        while (true)
        {
            var (known, refusal) = await catalog.FindServed(model, can, cancellationToken);
            if (known is not null) return (known, null);
            var loading = await catalog.GetLoading(cancellationToken);
            var next = loading.Where(worker => refusal is null ? IsMeant(worker, name, can) : worker.Info is null && IsNamed(worker, name))
                .MinBy(worker => worker.Remaining ?? TimeSpan.MaxValue);
            if (next is null && refusal is not null) return (null, refusal);
            if (next is null && !catalog.WasServedWithin(ReturnTime, name)) return (null, FailureResponses.NoWorker(name));
            if (drain.Started.IsCancellationRequested) return (null, FailureResponses.Stopping());
            if (cluster.Time.GetElapsedTime(began) >= options.LoadTimeout || next?.Remaining > 2 * options.LoadTimeout)
                return (null, next is null ? FailureResponses.NoWorker(name) : FailureResponses.StillLoading(next));
            await Task.Delay(s_look, cluster.Time, cancellationToken);
        }
    }

    /// <summary>Whether the request may be for what a worker is loading.</summary>
    internal static bool IsMeant(LoadingWorker worker, string? name, Func<ModelInfo, bool> can) =>
        worker.Info is { } info ? ItemResolver.IsFor(info, name) && can(info) : name is null || IsNamed(worker, name);

    /// <summary>Before the checkpoint's headers are read, there is nothing but the name that the silo was told.</summary>
    private static bool IsNamed(LoadingWorker worker, string? name) =>
        name is not null && string.Equals(name[(name.LastIndexOf('/') + 1)..], worker.Model, StringComparison.OrdinalIgnoreCase);
}
