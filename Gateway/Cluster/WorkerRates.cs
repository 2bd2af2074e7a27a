using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Cluster;

/// <summary>How fast workers are, by what they did lately.</summary>
internal sealed class WorkerRates(ClusterCalls cluster)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    /// <summary>Items a second of all workers that answer and have run something lately; 0 when there is none.</summary>
    public async Task<double> Measure(IReadOnlyList<WorkerInfo> workers, CancellationToken cancellationToken)
    {
        var rates = await Task.WhenAll(workers.Select(async worker =>
        {
            try
            {
                var load = await cluster.Grain<IModelWorker>(worker.Id.Value).GetLoad().WaitAsync(s_patience, cluster.Time, cancellationToken);
                return load.ItemsPerSecond ?? 0;
            }
            catch (Exception exception) when (exception is WorkerSiloGoneException || ClusterCalls.IsTransient(exception, cancellationToken))
            {
                return 0;
            }
        }));
        return rates.Sum();
    }
}
