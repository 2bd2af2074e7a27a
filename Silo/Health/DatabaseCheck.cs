using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Emu3.Silo.Health;

/// <summary>Well while the cluster's tables can be read.</summary>
internal sealed class DatabaseCheck(IMembershipTable table, ILocalSiloDetails silo) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await table.ReadRowAsync(silo.SiloAddress, cancellationToken).WaitAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            return HealthCheckResult.Unhealthy($"The database does not answer: {failure.Message}");
        }
    }
}
