using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Observability;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Emu3.Gateway.Cluster;

/// <summary>
/// What a gateway's health pages ask. It has come up as soon as it answers: it waits for its cluster as long as that takes, and starting it again would not
/// help. It is ready without a worker: jobs are accepted, listed and served all the same. Where <see cref="GatewayHostOptions.ReadyModel"/> names a model,
/// it is ready while a worker can run that.
/// </summary>
internal static class GatewayHealth
{
    public static void AddGatewayHealth(this IServiceCollection services) => services.AddHealthPages()
        .AddCheck<DrainCheck>("drain", tags: [HealthPages.Ready])
        .AddCheck<ClusterCheck>("cluster", tags: [HealthPages.Ready], timeout: HealthPages.Patience)
        .AddCheck<ModelCheck>("model", tags: [HealthPages.Ready], timeout: HealthPages.Patience);

    /// <summary>Well until it stops.</summary>
    private sealed class DrainCheck(GatewayDrain drain) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(drain.Started.IsCancellationRequested ? HealthCheckResult.Unhealthy("The gateway stops.") : HealthCheckResult.Healthy());
    }

    /// <summary>Well while a worker can run the model that the gateway is there for.</summary>
    private sealed class ModelCheck(ModelCatalog catalog, GatewayHostOptions options) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            if (options.ReadyModel is null) return HealthCheckResult.Healthy();
            var name = options.ReadyModel == GatewayHostOptions.AnyModel ? null : options.ReadyModel;
            try
            {
                var models = await catalog.GetModels(cancellationToken).WaitAsync(cancellationToken);
                if (models.Any(model => model.IsServed && ItemResolver.IsFor(model.Card, name))) return HealthCheckResult.Healthy();
                var loading = (await catalog.GetLoading(cancellationToken)).FirstOrDefault(worker => ServedModels.IsMeant(worker, name, _ => true));
                return HealthCheckResult.Unhealthy(loading is null ? $"No worker can run {name ?? "a model"}." : $"{loading.Model} is being loaded: {loading.Progress}.");
            }
            catch (Exception failure) when (ClusterCalls.IsTransient(failure, cancellationToken))
            {
                return HealthCheckResult.Unhealthy($"The cluster does not answer: {failure.Message}");
            }
        }
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
