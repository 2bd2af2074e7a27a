using Emu3.Benchmarks.Processes;
using Emu3.Grains.Interfaces;

namespace Emu3.Benchmarks.Chaos;

/// <summary>Asks the cluster past its gateways where the items of a run are that did not end, while it still stands as it got stuck.</summary>
internal static class StuckItems
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    public static async Task<string> TellAsync(ProcessCluster cluster, IEnumerable<FollowedJob> jobs, CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        var grains = await cluster.ConnectAsync(cancellationToken);
        await NoteAsync("workers", async () => string.Join(", ", (await grains.GetGrain<IDispatcher>(0).GetWorkers()).Select(worker => $"{worker.Id}{(worker.Quarantine is { } why ? $" ({why})" : "")}")));
        foreach (var job in jobs.Where(job => job.Ledger.EndCount == 0))
        {
            await NoteAsync($"job {job.Id}, {job.Ledger.Outcomes.Count} of {job.Count} seen", async () =>
            {
                var snapshot = await grains.GetGrain<IGenerationJob>(job.Id).GetSnapshot();
                return $"{snapshot.Status} {snapshot.Counts}";
            });
            for (var shard = 0; shard * JobId.ItemsInShard < job.Count; shard++)
            {
                var key = new JobId(job.Id).Shard(shard);
                await NoteAsync($"shard {key}", async () => string.Join(", ", (await grains.GetGrain<IJobShard>(key).GetItemViews())
                    .GroupBy(item => $"{item.Status} of {item.Holder?.Value ?? "nobody"}").Select(group => $"{group.Count()} {group.Key}, heard {group.Max(item => item.HeardAgo)} ago")));
            }
        }

        return string.Join(Environment.NewLine, lines);

        async Task NoteAsync(string what, Func<Task<string>> ask)
        {
            try
            {
                lines.Add($"{what}: {await ask().WaitAsync(s_patience, TimeProvider.System, cancellationToken)}");
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                lines.Add($"{what}: no answer, {failure.Message}");
            }
        }
    }
}
