using Emu3.Gateway.Cluster;
using Emu3.Gateway.Jobs;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Diagnosis;

/// <summary>
/// Looks at everything that a job depends on. Asks each part once, with little patience: that one does not answer is what is looked for.
/// </summary>
internal sealed class DiagnosisReader(ClusterCalls cluster, JobReader jobs)
{
    private const int ShardsAtOnce = 32;
    private const int MaxOtherJobs = 256;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    public async Task<JobView> Look(JobSnapshot job, CancellationToken cancellationToken)
    {
        if (job.IsTerminal) return new() { Job = job };
        var shards = ReadShards(job, cancellationToken);
        var (view, silence) = await ReadCluster(job, cancellationToken);
        var read = await shards;
        var running = RunningItems.Of(read);
        var specs = running.Count > RunningItems.MaxOneByOne ? [] : await Task.WhenAll(running.Select(item => jobs.FindItem(job.Id, item.Item, cancellationToken)));
        return new()
        {
            Job = job,
            Shards = read,
            Cluster = view,
            ClusterSilence = silence,
            Specs = specs.OfType<ItemOutcome>().ToDictionary(item => item.Item, item => item.Spec),
        };
    }

    private async Task<IReadOnlyList<ShardView>> ReadShards(JobSnapshot job, CancellationToken cancellationToken)
    {
        var count = (job.Counts.Total + JobId.ItemsInShard - 1) / JobId.ItemsInShard;
        var shards = new ShardView[count];
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = ShardsAtOnce, CancellationToken = cancellationToken }, async (number, token) =>
        {
            var (itemViews, silence) = await Ask(() => cluster.Grain<IJobShard>(job.Id.Shard(number)).GetItemViews(), token);
            shards[number] = new(number, itemViews ?? [], silence);
        });
        return shards;
    }

    private async Task<(ClusterView? Sight, string? Silence)> ReadCluster(JobSnapshot job, CancellationToken cancellationToken)
    {
        var (ready, silence) = await Ask(() => cluster.Dispatcher.GetWorkers(), cancellationToken);
        if (ready is null) return (null, silence);
        var loading = Ask(() => cluster.Dispatcher.GetLoadingWorkers(), cancellationToken);
        var quarantined = Ask(() => cluster.DeviceLedger.GetQuarantined(), cancellationToken);
        var others = ReadOtherJobs(job, cancellationToken);
        return (new()
        {
            Ready = ready,
            Loading = (await loading).Answer ?? [],
            Quarantined = (await quarantined).Answer ?? new Dictionary<string, string>(),
            OtherJobs = await others,
        }, null);
    }

    private async Task<IReadOnlyList<JobSnapshot>> ReadOtherJobs(JobSnapshot job, CancellationToken cancellationToken)
    {
        var parts = await Task.WhenAll(Enumerable.Range(0, IJobIndex.PartCount).Select(part => Ask(() => cluster.Grain<IJobIndex>((long)part).List(), cancellationToken)));
        var ids = parts.SelectMany(part => part.Answer ?? []).Where(id => id != job.Id).Take(MaxOtherJobs);
        var others = await Task.WhenAll(ids.Select(id => Ask(() => cluster.Grain<IGenerationJob>(id.Value).GetSnapshot(), cancellationToken)));
        return [.. others.Select(other => other.Answer).OfType<JobSnapshot>()];
    }

    /// <summary>The answer, or why there was none.</summary>
    private async Task<(T? Answer, string? Silence)> Ask<T>(Func<Task<T>> call, CancellationToken cancellationToken) where T : class
    {
        try
        {
            return (await call().WaitAsync(s_patience, cluster.Time, cancellationToken), null);
        }
        catch (TimeoutException)
        {
            return (null, $"nothing came for {s_patience.TotalSeconds:0} s");
        }
        catch (Exception exception) when (exception is StateLostException or JobNotFoundException || ClusterCalls.IsTransient(exception, cancellationToken))
        {
            return (null, exception.Message);
        }
    }
}
