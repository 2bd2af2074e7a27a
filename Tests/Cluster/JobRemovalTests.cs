using Emu3.Grains.Dispatch;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>How jobs go: at once for their owner, and with all that was written of them even later.</summary>
[Trait("Suite", "Cluster")]
public sealed class JobRemovalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    // What does not come fails its test, and does not hold up the run.
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromMinutes(2));

    private CancellationToken Cancellation => _patience.Token;

    public void Dispose()
    {
        _patience.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Deleted_IsGoneAtOnce_AndWhatCameAfterwardsGoesWithTheTombstone()
    {
        await using var cluster = await StartAsync(deletedKeep: TimeSpan.FromSeconds(3));
        var job = await cluster.Client.SubmitAsync([TestJobs.Image(0, 2, 2), TestJobs.Image(1, 2, 2)]);
        var outcome = (await cluster.Client.WatchToEndAsync(job, Cancellation)).First(happened => happened.Outcome is not null).Outcome!;
        var grain = cluster.Client.GetGrain<IGenerationJob>(job.Value);
        Assert.Contains(await cluster.Client.GetGrain<IJobCatalog>(IJobCatalog.KeyOf("tests")).List(null, 10), entry => entry.Job == job);

        await grain.Delete();

        await Assert.ThrowsAsync<JobNotFoundException>(() => grain.GetSnapshot());
        Assert.DoesNotContain(await cluster.Client.GetGrain<IJobCatalog>(IJobCatalog.KeyOf("tests")).List(null, 10), entry => entry.Job == job);
        await Assert.ThrowsAsync<IdempotencyConflictException>(() => cluster.Client.SubmitAsync([TestJobs.Image(0, 2, 2)], id: job));

        // A worker that was cut off goes on for a while.
        string[] late = [BlobKeys.Result("tests", job, 0, outcome.Result!.FileHash), BlobKeys.ResumePoint(job, 1)];
        foreach (var key in late) await cluster.Blobs.WriteAsync(key, new byte[] { 1 }, Cancellation);
        Assert.Equal(ReportReply.Stale, await cluster.Client.GetGrain<IJobShard>(job.Shard(0)).Complete(new WorkerId("127.0.0.1:1@1/cpu"), 0, 1, outcome.Result));

        // The tombstone's time comes: all of it is gone, and the id is free again.
        foreach (var key in late)
            while (await cluster.Blobs.ReadAsync(key, Cancellation) is not null) await Task.Delay(50, Cancellation);
        while (true)
        {
            try
            {
                await cluster.Client.SubmitAsync([TestJobs.Image(0, 2, 2)], id: job);
                break;
            }
            catch (Exception failure) when (failure is IdempotencyConflictException or StateLostException)
            {
                await Task.Delay(50, Cancellation); // its row goes last
            }
        }

        Assert.Equal(JobStatus.Completed, (await cluster.Client.WatchToEndAsync(job, Cancellation))[^1].Job.Status);
    }

    [Fact]
    public async Task Deleted_InACrash_GoesAfterTheRestart()
    {
        JobId job;
        string file;
        await using (var cluster = await StartAsync(deletedKeep: TimeSpan.FromSeconds(1)))
        {
            job = await cluster.Client.SubmitAsync([TestJobs.Image(0, 2, 2)]);
            file = BlobKeys.Result("tests", job, 0, (await cluster.Client.WatchToEndAsync(job, Cancellation)).First(happened => happened.Outcome is not null).Outcome!.Result!.FileHash);
            await cluster.Client.GetGrain<IGenerationJob>(job.Value).Delete();
            await cluster.Blobs.WriteAsync(file, new byte[] { 1 }, Cancellation);
        }

        await using (var cluster = await StartAsync(deletedKeep: TimeSpan.FromSeconds(1)))
        {
            while (await cluster.Blobs.ReadAsync(file, Cancellation) is not null) await Task.Delay(50, Cancellation);
        }
    }

    [Fact]
    public async Task Cancelled_KeepsWhatIsDone_AndNoCheckpoints()
    {
        await using var cluster = await StartAsync(engine: new() { SlotCount = 8, TimePerToken = TimeSpan.FromMilliseconds(5) });
        var job = await cluster.Client.SubmitAsync([.. Enumerable.Range(0, 30).Select(number => TestJobs.Image(number, number < 3 ? 2 : 30, 30, guidanceScale: 1))]);
        var grain = cluster.Client.GetGrain<IGenerationJob>(job.Value);
        var checkpoint = BlobKeys.ResumePoint(job, 3);
        while ((await grain.GetSnapshot()).Counts.Done < 3 || await cluster.Blobs.ReadAsync(checkpoint, Cancellation) is null) await Task.Delay(20, Cancellation);

        await grain.Cancel();

        await cluster.Client.LeavesTheIndexAsync(job, Cancellation);
        foreach (var outcome in (await cluster.Client.WatchToEndAsync(job, Cancellation)).Select(happened => happened.Outcome).OfType<ItemOutcome>().Where(one => one.Result is not null))
            Assert.NotNull(await cluster.Blobs.ReadAsync(BlobKeys.Result("tests", job, outcome.Item, outcome.Result!.FileHash), Cancellation));
    }

    [Fact]
    public async Task Expire_RemovesOnlyWhatEndedLongAgo()
    {
        await using var cluster = await StartAsync();
        var job = await cluster.Client.SubmitAsync([TestJobs.Image(0, 2, 2)]);
        var grain = cluster.Client.GetGrain<IGenerationJob>(job.Value);
        await cluster.Client.WatchToEndAsync(job, Cancellation);

        Assert.False(await grain.Expire(TimeSpan.FromHours(1)));
        Assert.Equal(JobStatus.Completed, (await grain.GetSnapshot()).Status);
        Assert.True(await grain.Expire(TimeSpan.Zero));
        await Assert.ThrowsAsync<JobNotFoundException>(() => grain.GetSnapshot());
        Assert.True(await grain.Expire(TimeSpan.Zero));
    }

    /// <summary>A submission that was given up may be made again under its key.</summary>
    [Fact]
    public async Task Submission_AfterOneThatWasGivenUp_IsANewJob()
    {
        await using var cluster = await StartAsync();
        var id = JobId.FromIdempotencyKey("tests", "given up");
        var grain = cluster.Client.GetGrain<IGenerationJob>(id.Value);
        await grain.Open(TestJobs.Spec());
        await cluster.Client.GetGrain<IJobShard>(id.Shard(0)).Init(TestJobs.Spec(), 0, [TestJobs.Image(7, 2, 2)]);
        await grain.Cancel();
        await grain.Delete();

        await cluster.Client.SubmitAsync([TestJobs.Image(0, 2, 2), TestJobs.Image(1, 2, 2)], id: id);

        Assert.Equal(2, (await cluster.Client.WatchToEndAsync(id, Cancellation))[^1].Job.Counts.Done);
    }

    private Task<EmbeddedCluster> StartAsync(TimeSpan? deletedKeep = null, FakeEngineOptions? engine = null) => EmbeddedCluster.StartAsync(
        _folder.FullPath, engine, jobs: new JobOptions { DeletedKeep = deletedKeep ?? TimeSpan.FromHours(1) },
        dispatcher: new DispatcherOptions { RoundPeriod = TimeSpan.FromSeconds(1) });
}
