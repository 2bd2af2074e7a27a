using Emu3.Grains.Interfaces;
using Emu3.Observability;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Emu3.Gateway.Cluster;

/// <summary>
/// What a gateway's health pages ask. It has come up as soon as it answers: it waits for its cluster as long as that takes, and starting it again would not
/// help. It is ready without a worker: jobs are accepted, listed and served all the same.
/// </summary>
internal static class GatewayHealth
{
    public static void AddGatewayHealth(this IServiceCollection services) => services.AddHealthPages()
        .AddCheck<DrainCheck>("drain", tags: [HealthPages.Ready])
        .AddCheck<ClusterCheck>("cluster", tags: [HealthPages.Ready], timeout: HealthPages.Patience);

    /// <summary>Well until it stops.</summary>
    private sealed class DrainCheck(IHostApplicationLifetime lifetime) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(lifetime.ApplicationStopping.IsCancellationRequested ? HealthCheckResult.Unhealthy("The gateway stops.") : HealthCheckResult.Healthy());
    }

    /// <summary>Well while the dispatcher answers, and grains can be activated.</summary>
    private sealed class ClusterCheck(ClusterCalls cluster) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                await Task.WhenAll(cluster.Dispatcher.GetWorkers(), cluster.Grain<IPulse>(IPulse.NewKey()).Beat()).WaitAsync(cancellationToken);
                return HealthCheckResult.Healthy();
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                return HealthCheckResult.Unhealthy($"The cluster does not answer: {failure.Message}");
            }
        }
    }
}
