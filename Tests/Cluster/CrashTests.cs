using Emu3.Grains.Dispatch;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

[Trait("Suite", "Cluster")]
public sealed class CrashTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Crash_AmongItems_LosesNone_RepeatsNone_AndGoesOnInside()
    {
        var engine = new FakeEngineOptions { SlotCount = 64, TimePerToken = TimeSpan.FromMilliseconds(4) };
        var items = Enumerable.Range(0, 600).Select(number => TestJobs.Image(number, guidanceScale: 1)).ToList();
        var seen = new List<JobEvent>();
        JobId job;
        var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine);
        job = await cluster.Client.SubmitAsync(items);
        await WatchAsync(cluster, atMost: 100);
        await cluster.CrashAsync();

        await using (cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine))
        {
            await WatchAsync(cluster, atMost: int.MaxValue);

            var outcomes = seen.Select(happened => happened.Outcome).OfType<ItemOutcome>().ToList();
            Assert.Equal(Enumerable.Range(0, 600), outcomes.Select(outcome => outcome.Item).Order());
            Assert.All(outcomes, outcome => Assert.Equal(ItemStatus.Done, outcome.Status));
            Assert.True(seen[^1].IsLast);
            Assert.Equal(JobStatus.Completed, seen[^1].Job.Status);
            Assert.True(seen[^1].Job.ResumedCount > 0, "no item went on inside");
            Assert.Equal(cluster.Engine.ResumedCount, seen[^1].Job.ResumedCount);

            // What was acknowledged before the crash was not made again.
            var before = outcomes.Take(100).Select(outcome => $"{job}/{outcome.Item}");
            Assert.DoesNotContain(before, cluster.Engine.Finished.ContainsKey);

            // Tokens are those of an undisturbed run, resumed or not.
            Assert.All(outcomes, outcome => Assert.Equal(TokensHash(outcome.Spec), outcome.Result!.TokensHash));
        }

        async Task WatchAsync(EmbeddedCluster watched, int atMost)
        {
            var from = seen.Count == 0 ? JobCursor.Start : seen[^1].Cursor;
            await foreach (var happened in watched.Client.GetGrain<IGenerationJob>(job.Value).Watch(from, Cancellation))
            {
                seen.Add(happened);
                if (seen.Count(one => one.Outcome is not null) >= atMost) return;
            }
        }
    }

    [Fact]
    public async Task Drain_GivesItemsBack_WithTheirTokens()
    {
        var engine = new FakeEngineOptions { SlotCount = 8, TimePerToken = TimeSpan.FromMilliseconds(5) };
        JobId job;
        await using (var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine))
        {
            job = await cluster.Client.SubmitAsync([.. Enumerable.Range(0, 4).Select(number => TestJobs.Image(number, 12, 12, guidanceScale: 1))]);
            while (cluster.Engine.Load.GeneratedTokenCount < 100) await Task.Delay(10, Cancellation);
        }

        await using (var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine))
        {
            var events = await cluster.Client.WatchToEndAsync(job, Cancellation);

            Assert.Equal(new ItemCounts(0, 0, 4, 0, 0), events[^1].Job.Counts);
            Assert.Equal(4, events[^1].Job.ResumedCount);
        }
    }

    [Fact]
    public async Task Disk_ThatIsFullForAWhile_FailsNoItem()
    {
        await using var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, new FakeEngineOptions { SlotCount = 4, TimePerToken = TimeSpan.FromMilliseconds(1) });
        cluster.IsDiskFull = true;
        var job = await cluster.Client.SubmitAsync([.. Enumerable.Range(0, 60).Select(number => TestJobs.Image(number, 2, 2, guidanceScale: 1))]);
        while (cluster.RefusedWriteCount < 60) await Task.Delay(20, Cancellation); // every picture that is made is refused again and again
        Assert.InRange(cluster.Engine.Finished.Count, 4, 30); // and no more are made than can be held

        cluster.IsDiskFull = false;
        var events = await cluster.Client.WatchToEndAsync(job, Cancellation);

        Assert.Equal(new ItemCounts(0, 0, 60, 0, 0), events[^1].Job.Counts);
        Assert.All(cluster.Engine.Finished.Values, times => Assert.Equal(1, times));
    }

    [Fact]
    public async Task Checkpoint_OfAnotherNumericClass_IsNotUsed()
    {
        var engine = new FakeEngineOptions { SlotCount = 8, TimePerToken = TimeSpan.FromMilliseconds(5) };
        JobId job;
        await using (var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine))
        {
            job = await cluster.Client.SubmitAsync([TestJobs.Image(0, 12, 12)]);
            while (cluster.Engine.Load.GeneratedTokenCount < 40) await Task.Delay(10, Cancellation);
        }

        await using (var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine with { NumericClass = "another class" }))
        {
            var events = await cluster.Client.WatchToEndAsync(job, Cancellation);

            Assert.Equal(JobStatus.Completed, events[^1].Job.Status);
            Assert.Equal(0, events[^1].Job.ResumedCount);
            Assert.Equal(0, cluster.Engine.ResumedCount);
        }
    }

    [Fact]
    public async Task TokenReader_ComingBackAfterACrash_SeesNoGapAndNoRepeat()
    {
        var engine = new FakeEngineOptions { TimePerToken = TimeSpan.FromMilliseconds(3) };
        var tokens = new List<int>();
        JobId job;
        var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine);
        job = await cluster.Client.SubmitAsync([TestJobs.Chat(2, 600)]);
        await ReadAsync(cluster, atMost: 100);
        await cluster.CrashAsync();

        await using (cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine))
        {
            await ReadAsync(cluster, int.MaxValue);

            Assert.Equal(Enumerable.Range(0, 600).Select(index => FakeEngine.TokenAt(2 * 77, 0, index)), tokens);
        }

        async Task ReadAsync(EmbeddedCluster read, int atMost)
        {
            await foreach (var chunk in read.Client.GetGrain<IJobShard>(job.Shard(0)).ReadTokens(0, tokens.Count, Cancellation))
            {
                Assert.Equal(tokens.Count, chunk.Offset);
                tokens.AddRange(chunk.Tokens);
                if (tokens.Count >= atMost) return;
            }
        }
    }

    [Fact]
    public async Task Item_ThatTakesEveryProcessDown_IsPoison_AndTheOthersAreDone()
    {
        JobId? job = null;
        for (var start = 0; start < 14; start++)
        {
            var down = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var engine = new FakeEngineOptions
            {
                OnToken = (request, _) =>
                {
                    if (request is not Inference.ImageRequest { Prompt: "poison" }) return;
                    down.TrySetResult();
                    throw new Inference.EngineStoppedException("down");
                },
            };
            var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, engine);
            job ??= await cluster.Client.SubmitAsync([.. Enumerable.Range(0, 12).Select(number => TestJobs.Image(number, 2, 2, prompt: number == 5 ? "poison" : "fine"))]);
            var end = cluster.Client.WatchToEndAsync(job.Value, Cancellation);
            if (await Task.WhenAny(down.Task, end) == down.Task)
            {
                await cluster.CrashAsync();
                await end.ContinueWith(_ => { }, Cancellation, TaskContinuationOptions.None, TaskScheduler.Default);
                continue;
            }

            var events = await end;
            await cluster.DisposeAsync();
            Assert.Equal(new ItemCounts(0, 0, 11, 1, 0), events[^1].Job.Counts);
            var failed = Assert.Single(events, happened => happened.Outcome?.Failure is not null).Outcome!;
            Assert.Equal((5, FailureCode.Poisoned), (failed.Item, failed.Failure!.Code));
            return;
        }

        Assert.Fail("fourteen starts, and the item still takes the process down");
    }

    [Fact]
    public async Task Interactive_UnwatchedIsCancelled_AndRemovedAfterAWhile()
    {
        var engine = new FakeEngineOptions { TimePerToken = TimeSpan.FromMilliseconds(50) };
        await using var cluster = await EmbeddedCluster.StartAsync(
            _folder.FullPath, engine,
            jobs: new JobOptions { InteractivePatience = TimeSpan.FromSeconds(1.5), InteractiveKeep = TimeSpan.FromSeconds(2) },
            dispatcher: new DispatcherOptions { RoundPeriod = TimeSpan.FromSeconds(1) });
        var job = await cluster.Client.SubmitAsync([TestJobs.Chat(1, 3000)], JobPriority.Interactive);
        while (cluster.Engine.Load.RunningCount == 0) await Task.Delay(20, Cancellation);

        while (cluster.Engine.Load.RunningCount > 0) await Task.Delay(50, Cancellation); // nobody asks: its slot is freed

        var grain = cluster.Client.GetGrain<IGenerationJob>(job.Value);
        Assert.Equal(JobStatus.Cancelled, (await grain.GetSnapshot()).Status);
        await Assert.ThrowsAsync<JobNotFoundException>(async () =>
        {
            while (true)
            {
                await grain.GetSnapshot();
                await Task.Delay(100, Cancellation);
            }
        });
        await cluster.Client.LeavesTheIndexAsync(job, Cancellation);
    }

    private static byte[] TokensHash(ItemSpec spec)
    {
        var bytes = new List<byte>();
        for (var index = 0; index < ((spec.Image!.LatentWidth + 1) * spec.Image.LatentHeight) + 3; index++)
            bytes.AddRange(BitConverter.GetBytes(FakeEngine.TokenAt(spec.Seed, spec.SampleIndex, index)));
        return System.Security.Cryptography.SHA256.HashData(bytes.ToArray());
    }
}
