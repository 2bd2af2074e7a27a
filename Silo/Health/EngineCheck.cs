using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Emu3.Silo.Health;

/// <summary>Well once every engine of the silo is loaded, while none has failed.</summary>
internal sealed class EngineCheck(EngineStatus engines) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(engines.Ready.IsCompletedSuccessfully && engines.Failure is null
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy($"The engine: {engines.Progress}"));
}
