using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;

namespace Emu3.Tests.Cluster;

/// <summary>Submits jobs as a gateway does.</summary>
internal static class TestJobs
{
    public static JobSpec Spec(JobPriority priority = JobPriority.Normal, string tenant = "tests") => new()
    {
        Tenant = tenant,
        Model = "fake",
        WeightsHash = new string('f', 64),
        Priority = priority,
        Seed = 5,
        CreatedAt = DateTimeOffset.UnixEpoch,
    };

    public static ItemSpec Image(int number, int latentHeight = 8, int latentWidth = 8, double guidanceScale = 3, string prompt = "a picture") => new()
    {
        Id = $"item-{number}",
        Seed = (ulong)number * 77,
        Sampling = new(1, 2048, 1),
        Image = new() { Prompt = prompt, NegativePrompt = "", GuidanceScale = guidanceScale, LatentHeight = latentHeight, LatentWidth = latentWidth },
    };

    public static ItemSpec Chat(int number, int tokens) => new()
    {
        Id = $"item-{number}",
        Seed = (ulong)number * 77,
        Sampling = new(1, 0, 1),
        Chat = new() { Turns = [new("user", [new("Hello?", null)])], MaxNewTokens = tokens },
    };

    /// <summary>A leased item of a job on a worker.</summary>
    public static ItemRun Run(Lease lease, IJobShard? home = null, bool isInteractive = false, JobId? job = null) => new(
        job ?? JobId.Draw(), lease,
        new() { Leases = [lease], Tenant = "tests", WeightsHash = "f", Model = "fake", PendingCount = 0, IsInteractive = isInteractive }, home!);

    public static async Task<JobId> SubmitAsync(
        this IClusterClient client, IReadOnlyList<ItemSpec> items, JobPriority priority = JobPriority.Normal, JobId? id = null, int? maxFailures = null,
        string tenant = "tests")
    {
        var job = id ?? JobId.Draw();
        var spec = Spec(priority, tenant) with { MaxFailures = maxFailures };
        var grain = client.GetGrain<IGenerationJob>(job.Value);
        await grain.Open(spec);
        for (var shard = 0; shard * JobId.ItemsInShard < items.Count; shard++)
            await client.GetGrain<IJobShard>(job.Shard(shard)).Init(spec, 0, [.. items.Skip(shard * JobId.ItemsInShard).Take(JobId.ItemsInShard)]);
        await grain.Seal(items.Count, "hash");
        return job;
    }

    /// <summary>Completes when the index has forgotten the job, which follows its terminal state.</summary>
    public static async Task LeavesTheIndexAsync(this IClusterClient client, JobId job, CancellationToken cancellationToken)
    {
        var cluster = new ClusterCalls(client, TimeProvider.System); // silos may have been killed a moment ago
        while ((await cluster.Repeat(() => cluster.Grain<IJobIndex>(IJobIndex.PartOf(job)).List(), cancellationToken)).Contains(job))
            await Task.Delay(20, cancellationToken);
    }

    /// <summary>All events from a cursor to the last one.</summary>
    public static async Task<List<JobEvent>> WatchToEndAsync(this IClusterClient client, JobId job, CancellationToken cancellationToken, JobCursor? from = null)
    {
        var events = new List<JobEvent>();
        await foreach (var happened in client.GetGrain<IGenerationJob>(job.Value).Watch(from ?? JobCursor.Start, cancellationToken)) events.Add(happened);
        return events;
    }
}
