using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Gateway.Cluster;

/// <summary>The models that workers have loaded, asked for at most once a second.</summary>
internal sealed class ModelCatalog(ClusterCalls cluster) : IDisposable
{
    private static readonly TimeSpan s_age = TimeSpan.FromSeconds(1);
    private readonly SemaphoreSlim _asking = new(1, 1);
    private (long At, IReadOnlyList<WorkerCard> Workers)? _known;

    public async Task<IReadOnlyList<WorkerCard>> GetWorkers(CancellationToken cancellationToken)
    {
        if (Fresh is { } fresh) return fresh;
        await _asking.WaitAsync(cancellationToken);
        try
        {
            if (Fresh is { } asked) return asked;
            var workers = await cluster.Repeat(() => cluster.Dispatcher.GetWorkers(), cancellationToken);
            _known = (cluster.Time.GetTimestamp(), workers);
            return workers;
        }
        finally
        {
            _asking.Release();
        }
    }

    /// <summary>The workers of the model that a request means; without a name, of the only one there is. Or what is wrong.</summary>
    public async Task<(IReadOnlyList<WorkerCard> Workers, FailureResponse? Refusal)> Find(string? model, CancellationToken cancellationToken)
    {
        var all = await GetWorkers(cancellationToken);
        var names = all.Select(worker => worker.Model.Name).Distinct().ToList();
        if (names.Count == 0) return ([], FailureResponses.NoWorker());
        var meant = all.Where(worker => ItemResolver.IsFor(worker.Model, model)).ToList();
        if (meant.Count == 0) return ([], FailureResponses.ModelNotFound(model, names));
        return meant.Select(worker => worker.Model.Name).Distinct().Count() > 1 ? ([], FailureResponses.ModelMissing(names)) : (meant, null);
    }

    public void Dispose() => _asking.Dispose();

    /// <summary>An empty answer is never kept: a worker may be there the next moment.</summary>
    private IReadOnlyList<WorkerCard>? Fresh =>
        _known is { Workers.Count: > 0 } known && cluster.Time.GetElapsedTime(known.At) < s_age ? known.Workers : null;
}
