using Emu3.Grains.Interfaces;
using Emu3.Grains.Interfaces.Requests;
using Emu3.Observability;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Emu3.Gateway.Cluster;

/// <summary>
/// What a gateway's health pages ask. It has come up as soon as it answers: it waits for its cluster as long as that takes, and starting it again would not
/// help. It is ready once its cluster has answered, without a worker too: jobs are accepted, listed and served all the same. When the cluster falls silent it
/// stays ready for <see cref="GatewayHostOptions.ReadyGrace"/>. Where <see cref="GatewayHostOptions.ReadyModel"/> names a model, it is ready while a worker can
/// run that.
/// </summary>
internal static class GatewayHealth
{
    /// <summary>Longer than the checks' own patience, which says what is not well.</summary>
    private static readonly TimeSpan s_longest = 2 * HealthPages.Patience;

    public static void AddGatewayHealth(this IServiceCollection services)
    {
        services.AddSingleton<ClusterCheck>().AddSingleton<ModelCheck>();
        services.AddHealthPages()
            .AddCheck<DrainCheck>("drain", tags: [HealthPages.Ready])
            .AddCheck<ClusterCheck>("cluster", tags: [HealthPages.Ready], timeout: s_longest)
            .AddCheck<ModelCheck>("model", tags: [HealthPages.Ready], timeout: s_longest);
    }

    /// <summary>Well until it stops.</summary>
    private sealed class DrainCheck(GatewayDrain drain) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(drain.Started.IsCancellationRequested ? HealthCheckResult.Unhealthy("The gateway stops.") : HealthCheckResult.Healthy());
    }

    /// <summary>Well while a worker can run the model that the gateway is there for.</summary>
    private sealed class ModelCheck(ModelCatalog catalog, GatewayHostOptions options, TimeProvider time) : IHealthCheck
    {
        private readonly ReadinessGrace _check = new(options.ReadyGrace, time);

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            options.ReadyModel is null ? HealthCheckResult.Healthy() : ResultOf(await _check.LookAsync(AskAsync, HealthPages.Patience, cancellationToken));

        private async Task<string?> AskAsync()
        {
            var name = options.ReadyModel == GatewayHostOptions.AnyModel ? null : options.ReadyModel;
            var models = await catalog.GetModels(CancellationToken.None);
            // A dispatcher that has just moved to another silo does not know all workers yet.
            if (models.Any(model => model.IsServed && ItemResolver.IsFor(model.Info, name)) || catalog.WasServedWithin(ServedModels.ReturnTime, name)) return null;
            var loading = (await catalog.GetLoading(CancellationToken.None)).FirstOrDefault(worker => ServedModels.IsMeant(worker, name, _ => true));
            return loading is null ? $"No worker can run {name ?? "a model"}." : $"{loading.Model} is being loaded: {loading.Progress}.";
        }
    }

    /// <summary>Well while the dispatcher answers, and grains can be activated.</summary>
    private sealed class ClusterCheck(ClusterCalls cluster, GatewayHostOptions options) : IHealthCheck
    {
        private readonly ReadinessGrace _check = new(options.ReadyGrace, cluster.Time);

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            ResultOf(await _check.LookAsync(AskAsync, HealthPages.Patience, cancellationToken));

        private async Task<string?> AskAsync()
        {
            await Task.WhenAll(cluster.Dispatcher.GetWorkers(), cluster.Grain<IPulse>(IPulse.NewKey()).Beat());
            return null;
        }
    }

    private static HealthCheckResult ResultOf(string? problem) => problem is null ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(problem);
}
