using Emu3.Benchmarks.Chaos;
using Emu3.Benchmarks.Processes;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Cluster.Processes;

/// <summary>A job that is followed while its cluster is disturbed. Tells how far it is, and in the end what became of it.</summary>
internal sealed class DisturbedJob
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);
    private readonly DisturbedCluster _cluster;
    private readonly FollowedJob _job;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _endedCount;

    private DisturbedJob(DisturbedCluster cluster, FollowedJob job)
    {
        (_cluster, _job) = (cluster, job);
        End = cluster.Client.FollowAsync(job.Id, Take, Cancellation);
    }

    public string Id => _job.Id;

    /// <summary>Outcomes that its follower was told of so far.</summary>
    public int EndedCount => Volatile.Read(ref _endedCount);

    /// <summary>Completes when its follower was told of its end.</summary>
    public Task End { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<DisturbedJob> SubmitAsync(DisturbedCluster cluster, string key, int itemCount) =>
        new(cluster, new(await cluster.Client.SubmitAsync(key, cluster.Work.Lines(0, itemCount), Cancellation), 0, itemCount));

    /// <summary>Waits until the follower was told of so many outcomes.</summary>
    public async Task EndedAsync(int count)
    {
        while (true)
        {
            var changed = Volatile.Read(ref _changed).Task;
            if (EndedCount >= count) return;
            if (End.IsCompleted) await End; // throws what ended the follower
            Assert.False(End.IsCompleted, $"The job ended before {count} items.");
            await WithinAsync(Task.WhenAny(changed, End), $"{count} items");
        }
    }

    /// <summary>Waits until a worker is inside a picture: some of its tokens are kept, and many are left.</summary>
    public async Task InsideAsync(ClusterProcess worker)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(DisturbedCluster.Patience);
        var client = await _cluster.Processes.ConnectAsync(patience.Token);
        while (!await IsInsideAsync(client.GetGrain<IJobShard>(new JobId(Id).Shard(0)), worker))
        {
            Assert.False(End.IsCompleted, $"The job ended, and {worker.Name} was never seen inside a picture of it.");
            Assert.False(patience.IsCancellationRequested, $"{worker.Name} is not inside a picture.{Environment.NewLine}{_cluster.Processes.TellLogs()}");
            await Task.Delay(s_look, TimeProvider.System, Cancellation);
        }
    }

    /// <summary>Waits for its end, and compares everything that there is to be known of it with an undisturbed run.</summary>
    public async Task<Verdict> JudgeAsync()
    {
        await WithinAsync(End, "its end");
        return await new Audit(_cluster.Client, _cluster.Work, _cluster.Undisturbed).JudgeAsync(_job, Cancellation);
    }

    private void Take(SeenEvent seen)
    {
        _job.Ledger.Take(seen);
        Volatile.Write(ref _endedCount, _job.Ledger.Outcomes.Count);
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    private async Task<bool> IsInsideAsync(IJobShard shard, ClusterProcess worker)
    {
        try
        {
            foreach (var itemView in await shard.GetItemViews())
            {
                if (itemView.Holder is not { } holder || SiloAddress.FromParsableString(holder.Silo).Endpoint.Port != worker.SiloPort) continue;
                if (itemView.TokenCount is 0 or > FewTokens) continue;
                if (await _cluster.Blobs.ReadAsync(BlobKeys.ResumePoint(new(Id), itemView.Item), Cancellation) is not null) return true;
            }
        }
        catch (Exception interruption) when (ClusterCalls.IsTransient(interruption, Cancellation))
        {
            return false; // its silo was killed a moment ago
        }

        return false;
    }

    private async Task WithinAsync(Task task, string what)
    {
        var first = await Task.WhenAny(task, Task.Delay(DisturbedCluster.Patience, TimeProvider.System, Cancellation));
        if (first == task) await task;
        else Assert.Fail($"{Id} has {EndedCount} outcomes, and for {DisturbedCluster.Patience.TotalMinutes} minutes waits for {what}.{Environment.NewLine}{_cluster.Processes.TellLogs()}");
    }

    /// <summary>Of the 275 that a picture of 128×128 pixels has.</summary>
    private const int FewTokens = 150;
}
