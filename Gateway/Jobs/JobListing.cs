using System.Globalization;
using Emu3.Gateway.Access;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Jobs;

/// <summary>Lists the caller's jobs, newest first, each as it stands now.</summary>
internal sealed class JobListing(ClusterCalls cluster, JobReader reader, Caller caller)
{
    /// <summary>Jobs asked at once.</summary>
    private const int AtOnce = 64;

    /// <summary>Jobs looked at in one call for those of one status: a call stays short, the next one goes on.</summary>
    private const int MaxLookedAt = 1_024;

    /// <summary>A page.</summary>
    /// <param name="after">The page begins behind it; null for the newest.</param>
    /// <param name="limit">Jobs at most.</param>
    /// <param name="status">Only those; null for all.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The jobs, and where the next page begins; null when there is none.</returns>
    public async Task<(IReadOnlyList<JobSnapshot> Jobs, CatalogEntry? Next)> Read(
        CatalogEntry? after, int limit, JobStatus? status, CancellationToken cancellationToken)
    {
        var jobs = new List<JobSnapshot>();
        for (var lookedAt = 0; lookedAt < MaxLookedAt;)
        {
            var most = Math.Min(AtOnce, status is null ? limit - jobs.Count : AtOnce);
            var from = after;
            var entries = await cluster.Repeat(() => cluster.Grain<IJobCatalog>(IJobCatalog.KeyOf(caller.Tenant)).List(from, most), cancellationToken);
            var snapshots = await Task.WhenAll(entries.Select(entry => reader.Find(entry.Job.Value, cancellationToken)));
            for (var i = 0; i < entries.Count; i++)
            {
                after = entries[i];
                if (snapshots[i] is not { } job || (status is { } wanted && job.Status != wanted)) continue; // deleted since, or another
                jobs.Add(job);
                if (jobs.Count == limit) return (jobs, i + 1 < entries.Count || entries.Count == most ? after : null);
            }

            if (entries.Count < most) return (jobs, null);
            lookedAt += entries.Count;
        }

        return (jobs, after);
    }

    /// <summary>A place in the list as text: the job, and when it was made, so that it stays a place when the job is deleted.</summary>
    public static string Text(CatalogEntry entry) => string.Create(CultureInfo.InvariantCulture, $"{entry.Job}.{entry.CreatedAt.UtcTicks}");

    /// <summary>Reads a place: as <see cref="Text"/> wrote it, or the id of a job that is there. Null when it is neither.</summary>
    public async Task<CatalogEntry?> Find(string text, CancellationToken cancellationToken)
    {
        var parts = text.Split('.');
        if (parts.Length == 2 && JobId.TryParse(parts[0], out var job)
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) && ticks <= DateTimeOffset.MaxValue.Ticks)
            return new(job, new DateTimeOffset(ticks, TimeSpan.Zero));
        return await reader.Find(text, cancellationToken) is { } found ? new(found.Id, found.Spec.CreatedAt) : null;
    }
}
