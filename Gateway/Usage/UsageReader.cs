using System.Collections.Concurrent;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Usage;

/// <summary>Reads the usage ledger.</summary>
internal sealed class UsageReader(ClusterCalls cluster)
{
    private const int PartsAtOnce = 32;

    /// <summary>The tenants that ever used anything.</summary>
    public Task<string[]> ReadTenants(CancellationToken cancellationToken) => cluster.Repeat(() => cluster.Grain<IUsageTenants>(0).List(), cancellationToken);

    /// <summary>Jobs of some tenants that were accepted from one day to another, both included, and have ended: by day, tenant, key and job.</summary>
    public async Task<IReadOnlyList<JobUsage>> Read(IEnumerable<string> tenants, DateOnly from, DateOnly to, CancellationToken cancellationToken)
    {
        var parts = new List<string>();
        foreach (var tenant in tenants)
        {
            var hours = await cluster.Repeat(() => cluster.Grain<IUsageLedger>(IUsageLedger.KeyOf(tenant)).Hours(HourOf(from), HourOf(to.AddDays(1))), cancellationToken);
            parts.AddRange(from hour in hours from part in Enumerable.Range(0, IUsageHour.PartCount) select IUsageHour.KeyOf(tenant, hour, part));
        }
        var jobs = new ConcurrentBag<JobUsage>();
        await Parallel.ForEachAsync(parts, new ParallelOptions { MaxDegreeOfParallelism = PartsAtOnce, CancellationToken = cancellationToken }, async (part, token) =>
        {
            foreach (var job in await cluster.Repeat(() => cluster.Grain<IUsageHour>(part).Read(), token)) jobs.Add(job);
        });
        return [.. jobs.OrderBy(job => job.AcceptedAt.UtcDateTime.Date).ThenBy(job => job.Tenant, StringComparer.Ordinal)
            .ThenBy(job => job.Key, StringComparer.Ordinal).ThenBy(job => job.Job.Value, StringComparer.Ordinal)];
    }

    private static int HourOf(DateOnly day) => (day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber) * 24;
}
