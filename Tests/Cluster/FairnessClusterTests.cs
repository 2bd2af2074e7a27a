using System.Collections.Concurrent;
using Emu3.Grains.Interfaces;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>Fairness end to end, measured in items and steps and not by the clock. At full size and in virtual time: FairnessTests.</summary>
[Trait("Suite", "Cluster")]
public sealed class FairnessClusterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task SecondTenant_GetsEveryOtherItem_HoweverManyTheFirstHasWaiting()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var started = new ConcurrentQueue<string>();
        var engine = new FakeEngineOptions
        {
            SlotCount = 8,
            TimePerToken = TimeSpan.FromMilliseconds(2),
            TokensInStep = 25,
            OnToken = (request, index) =>
            {
                if (index == 0) started.Enqueue(request.Id);
            },
        };
        await using var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine);
        var large = await cluster.Client.SubmitAsync([.. Enumerable.Range(0, 2000).Select(number => TestJobs.Image(number))], tenant: "large");
        while (started.Count < 10) await Task.Delay(10, cancellationToken);

        var small = await cluster.Client.SubmitAsync([.. Enumerable.Range(0, 10).Select(number => TestJobs.Image(number))], tenant: "small");
        var before = started.Count;
        var events = await cluster.Client.WatchToEndAsync(small, cancellationToken);

        Assert.Equal(10, events[^1].Job.Counts.Done);
        var since = started.Skip(before).TakeWhile((_, place) => started.Skip(before + place).Any(id => id.StartsWith(small.Value, StringComparison.Ordinal))).ToList();
        var others = since.Count(id => id.StartsWith(large.Value, StringComparison.Ordinal));

        // Ten for ten, those that were leased ahead, a grant of eight, and what began before the small job's shard had told the dispatcher.
        Assert.InRange(others, 0, 60);
        await cluster.Client.GetGrain<IGenerationJob>(large.Value).Cancel();
    }

    [Fact]
    public async Task InteractiveRequest_OnAFullCluster_GetsItsFirstTokenWithinTwoSecondsOfSteps_AndWhatGaveWayGoesOn()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var step = TimeSpan.FromMilliseconds(40);
        var steps = new ConcurrentDictionary<string, int>();
        var begun = new ConcurrentDictionary<string, int>();
        var first = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        JobId? waiting = null;
        var engine = new FakeEngineOptions
        {
            SlotCount = 4,
            TimePerToken = step / 8,
            TokensInStep = 8,
            OnToken = (request, _) =>
            {
                begun.AddOrUpdate(request.Id, 1, (_, count) => count + 1);
                if (waiting is { } job && request.Id.StartsWith(job.Value, StringComparison.Ordinal)) first.TrySetResult(steps.Values.DefaultIfEmpty().Max());
                else if (waiting is not null) steps.AddOrUpdate(request.Id, 1, (_, count) => count + 1);
            },
        };
        await using var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine);

        // Three pictures of some thousand tokens in the slots for batch work, and one that somebody waits for in the slot that is kept.
        var batch = await cluster.Client.SubmitAsync([.. Enumerable.Range(0, 6).Select(number => TestJobs.Image(number, 40, 40, guidanceScale: 1))]);
        var other = await cluster.Client.SubmitAsync([TestJobs.Image(0, 40, 40, guidanceScale: 1)], JobPriority.Interactive);
        var watched = cluster.Client.WatchToEndAsync(other, cancellationToken);
        while (begun.Values.Count(count => count > 1) < engine.SlotCount) await Task.Delay(10, cancellationToken); // whoever gives way has tokens to keep

        var job = JobId.Draw();
        waiting = job;
        await cluster.Client.SubmitAsync([TestJobs.Chat(0, 40)], JobPriority.Interactive, job);
        var events = await cluster.Client.WatchToEndAsync(job, cancellationToken);

        Assert.InRange(await first.Task, 0, TimeSpan.FromSeconds(2) / step);
        Assert.Equal(1, events[^1].Job.Counts.Done);
        Assert.Equal(1, (await watched)[^1].Job.Counts.Done);

        var ended = (await cluster.Client.WatchToEndAsync(batch, cancellationToken))[^1].Job;
        Assert.Equal(6, ended.Counts.Done);
        Assert.InRange(ended.ResumedCount, 1, 6); // the one that gave way kept its tokens
    }
}
