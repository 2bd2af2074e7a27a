using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Batches;

/// <summary>
/// Takes up validations whose gateway died. Whoever asks about a batch does the same; but who waits for a webhook does not ask.
/// </summary>
internal sealed class OrphanedBatches(ClusterCalls cluster, BatchValidations validations, ILogger<OrphanedBatches> logger) : BackgroundService
{
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(s_period, cluster.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await TryAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    private async Task TryAsync(CancellationToken stoppingToken)
    {
        try
        {
            foreach (var batch in await cluster.Grain<IBatchQueue>(0).List().WaitAsync(stoppingToken))
                if (await cluster.Grain<IBatch>(batch.Value).Find().WaitAsync(stoppingToken) is { Stage: BatchStage.Validating } info) validations.Begin(info);
        }
        catch (Exception exception)
        {
            GatewayLog.BatchesNotLookedFor(logger, exception.Message); // whatever it is, it must not end the gateway
        }
    }
}
