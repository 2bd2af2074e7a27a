using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Emu3.Silo.Health;

/// <summary>Well while grains can be activated on this silo.</summary>
internal sealed class PulseCheck(PulseWatch pulse) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        pulse.Reason is { } reason ? HealthCheckResult.Unhealthy($"Grains can't be activated: {reason}") : HealthCheckResult.Healthy());
}

/// <summary>The same, once it has failed for so long that the process had better be started again.</summary>
internal sealed class LostPulseCheck(PulseWatch pulse) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        pulse.IsLost ? HealthCheckResult.Unhealthy($"For minutes grains could not be activated: {pulse.Reason}") : HealthCheckResult.Healthy());
}
