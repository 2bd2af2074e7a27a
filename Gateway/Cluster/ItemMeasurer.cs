using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Cluster;

/// <summary>
/// Asks a worker what items need, with the checkpoint's own tokenizer. A worker that does not answer at once is not asked again: it counts for itself
/// before it runs an item, and an item that does not fit fails then.
/// </summary>
internal sealed class ItemMeasurer(ClusterCalls cluster, IReadOnlyList<WorkerInfo> workers, ILogger logger)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private readonly Queue<WorkerId> _candidates = new(workers.Select(worker => worker.Id).Take(3));
    private readonly Lock _lock = new();

    /// <summary>One measure an item, or null when no worker answers.</summary>
    public async Task<IReadOnlyList<ItemMeasure>?> Measure(IReadOnlyList<ItemSpec> items, CancellationToken cancellationToken)
    {
        while (Current is { } worker)
        {
            try
            {
                return await cluster.Grain<IModelWorker>(worker.Value).Measure(items).WaitAsync(s_patience, cluster.Time, cancellationToken);
            }
            catch (Exception exception) when (exception is WorkerSiloGoneException || ClusterCalls.IsTransient(exception, cancellationToken))
            {
                GatewayLog.NotMeasured(logger, exception.Message);
                DropCandidate(worker);
            }
        }
        return null;
    }

    private WorkerId? Current
    {
        get
        {
            lock (_lock) return _candidates.TryPeek(out var worker) ? worker : null;
        }
    }

    private void DropCandidate(WorkerId worker)
    {
        lock (_lock)
        {
            if (_candidates.TryPeek(out var first) && first == worker) _candidates.Dequeue();
        }
    }
}
