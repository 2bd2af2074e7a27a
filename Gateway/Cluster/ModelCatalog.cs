using System.Collections.Concurrent;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Cluster;

/// <summary>
/// The models that requests may mean: what workers have loaded, and what the cluster remembers, since a job waits for a worker as long as it must.
/// Asked for at most once a second.
/// </summary>
internal sealed class ModelCatalog(ClusterCalls cluster, GatewayHostOptions options) : IDisposable
{
    private static readonly TimeSpan s_age = TimeSpan.FromSeconds(1);

    /// <summary>While no worker is there, one may be there the next moment; however many requests wait for it, the cluster is asked ten times a second.</summary>
    private static readonly TimeSpan s_ageWithoutWorker = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _asking = new(1, 1);
    private readonly ConcurrentDictionary<string, (ModelInfo Info, long At)> _served = new(StringComparer.Ordinal);
    private volatile Reading? _known;

    /// <summary>Loaded ones first. One entry a name: where workers have several weights under one name, those that most of them have.</summary>
    public async Task<IReadOnlyList<KnownModel>> GetModels(CancellationToken cancellationToken) => (await Read(cancellationToken)).Models;

    /// <summary>Workers that are loading their model.</summary>
    public async Task<IReadOnlyList<LoadingWorker>> GetLoading(CancellationToken cancellationToken) => (await Read(cancellationToken)).Loading;

    /// <summary>Whether this gateway has seen a worker of the model so short a time ago.</summary>
    /// <param name="time">How short.</param>
    /// <param name="name">As <see cref="Meant"/> gives it; null means any.</param>
    public bool WasServedWithin(TimeSpan time, string? name) =>
        _served.Values.Any(served => ItemResolver.IsFor(served.Info, name) && cluster.Time.GetElapsedTime(served.At) < time);

    private async Task<Reading> Read(CancellationToken cancellationToken)
    {
        if (Fresh is { } fresh) return fresh;
        await _asking.WaitAsync(cancellationToken);
        try
        {
            if (Fresh is { } asked) return asked;
            var remembered = cluster.Repeat(() => cluster.ModelCatalog.List(), cancellationToken);
            // In this order: a worker that becomes ready in between is in both lists, and never in none.
            var loading = await cluster.Repeat(() => cluster.Dispatcher.GetLoadingWorkers(), cancellationToken);
            var workers = await cluster.Repeat(() => cluster.Dispatcher.GetWorkers(), cancellationToken);
            var reading = new Reading(cluster.Time.GetTimestamp(), Models(workers, await remembered), loading);
            foreach (var model in reading.Models.Where(model => model.IsServed)) _served[model.Info.Name] = (model.Info, reading.At);
            return _known = reading;
        }
        finally
        {
            _asking.Release();
        }
    }

    /// <summary>The model of a job, be a worker there or not. Or what is wrong.</summary>
    /// <param name="model">Its name; null means the only one that <paramref name="can"/>.</param>
    /// <param name="can">Does what the job asks for.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<(KnownModel? Model, FailureResponse? Refusal)> FindForJob(string? model, Func<ModelInfo, bool> can, CancellationToken cancellationToken)
    {
        var all = await GetModels(cancellationToken);
        model = Meant(model);
        return all.Count == 0 ? (null, FailureResponses.NoModel()) : Choose(all, model, can);
    }

    /// <summary>
    /// The model of a request that somebody waits for: only one that can begin now will do. Or what is wrong. Neither when no worker serves it at the moment
    /// (<see cref="ServedModels"/> waits for one).
    /// </summary>
    public async Task<(KnownModel? Model, FailureResponse? Refusal)> FindServed(string? model, Func<ModelInfo, bool> can, CancellationToken cancellationToken)
    {
        var all = await GetModels(cancellationToken);
        model = Meant(model);
        List<KnownModel> served = [.. all.Where(known => known.IsServed)];
        var isKnown = all.Any(known => ItemResolver.IsFor(known.Info, model));
        if (served.Count == 0 ? model is null || all.Count == 0 || isKnown : isKnown && !served.Exists(known => ItemResolver.IsFor(known.Info, model)))
            return (null, null);
        return Choose(served.Count == 0 ? all : served, model, can);
    }

    /// <summary>Other names that models go by here, and which they mean.</summary>
    public IReadOnlyDictionary<string, string> Aliases { get; } = options.ModelAliases.AsReadOnly();

    public void Dispose() => _asking.Dispose();

    /// <summary>The name that stands behind another one.</summary>
    public string? Meant(string? model) => model is not null && options.ModelAliases.TryGetValue(model, out var meant) ? meant : model;

    private static (KnownModel?, FailureResponse?) Choose(IReadOnlyList<KnownModel> models, string? model, Func<ModelInfo, bool> can)
    {
        var meant = models.Where(known => ItemResolver.IsFor(known.Info, model)).ToList();
        if (meant.Count > 1 && meant.Exists(known => can(known.Info))) meant = meant.FindAll(known => can(known.Info));
        return meant.Count switch
        {
            0 => (null, FailureResponses.ModelNotFound(model, models.Select(known => known.Info.Name))),
            1 => (meant[0], null),
            _ => (null, FailureResponses.ModelMissing(meant.Select(known => known.Info.Name))),
        };
    }

    private static List<KnownModel> Models(IReadOnlyList<WorkerInfo> workers, IReadOnlyList<ModelInfo> remembered)
    {
        var loaded = workers.GroupBy(worker => worker.Model.Name)
            .Select(named => named.GroupBy(worker => worker.Model.WeightsHash).MaxBy(same => same.Count())!)
            .Select(same => new KnownModel(same.First().Model, [.. same])).ToList();
        return [.. loaded, .. remembered.Where(info => loaded.TrueForAll(known => known.Info.Name != info.Name)).Select(info => new KnownModel(info, []))];
    }

    private Reading? Fresh =>
        _known is { } known && cluster.Time.GetElapsedTime(known.At) < (known.Models.Any(model => model.IsServed) ? s_age : s_ageWithoutWorker) ? known : null;

    private sealed record Reading(long At, IReadOnlyList<KnownModel> Models, IReadOnlyList<LoadingWorker> Loading);
}
