using System.Globalization;
using Emu3.Grains.Interfaces;
using Emu3.Inference;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>What a job's owner asks of it while it runs: pause, resume, retry of what failed, another priority.</summary>
[Trait("Suite", "Cluster")]
public sealed class JobVerbTests : IAsyncLifetime
{
    private const int SickCount = 30;

    private readonly TemporaryFolder _folder = new();
    private volatile bool _isSick = true;
    private FakeEngineOptions _engine = null!;
    private EmbeddedCluster _cluster = null!;

    // What does not come fails its test, and does not hold up the run.
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromMinutes(2));

    private CancellationToken Cancellation => _patience.Token;

    public async ValueTask InitializeAsync()
    {
        _engine = new() { SlotCount = 32, TimePerToken = TimeSpan.FromMilliseconds(0.5), OnToken = FailIfSick };
        _cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, _engine);
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        _patience.Dispose();
        _folder.Dispose();
    }

    private void FailIfSick(GenerationRequest request, int index)
    {
        if (_isSick && request is ImageRequest { Prompt: var prompt } && prompt.StartsWith("sick", StringComparison.Ordinal)
            && index >= int.Parse(prompt.Split(' ')[^1], CultureInfo.InvariantCulture)) throw new InvalidOperationException("sick");
    }

    [Fact]
    public async Task Pause_TakesBackWhatRuns_AndResumeGoesOnInside()
    {
        var job = await _cluster.Client.SubmitAsync([.. Enumerable.Range(0, 40).Select(number => TestJobs.Image(number, 30, 30))]);
        var grain = Job(job);
        while (_cluster.Engine.Load.GeneratedTokenCount < 3000) await Task.Delay(20, Cancellation);

        var paused = await grain.Pause();
        var again = await grain.Pause();

        Assert.Equal((JobStatus.Paused, PauseReason.Requested), (paused.Status, paused.PauseReason));
        Assert.Equal((0, JobStatus.Paused), (again.Counts.Running, again.Status));
        while (_cluster.Engine.Load.RunningCount > 0) await Task.Delay(20, Cancellation);
        var ended = (await grain.GetSnapshot()).Counts.Ended;
        Assert.Empty((await Shard(job).Acquire(new WorkerId("127.0.0.1:1@1/cpu"), 5)).Leases);

        // A crash meanwhile changes nothing.
        await _cluster.CrashAsync();
        _cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, _engine);
        var later = await Job(job).GetSnapshot();
        Assert.Equal((JobStatus.Paused, ended), (later.Status, later.Counts.Ended));

        Assert.NotEqual(JobStatus.Paused, (await Job(job).Resume()).Status);
        var events = await _cluster.Client.WatchToEndAsync(job, Cancellation);

        Assert.Equal(new ItemCounts(0, 0, 40, 0, 0), events[^1].Job.Counts);
        Assert.Equal(Enumerable.Range(0, 40), Outcomes(events).Select(outcome => outcome.Item).Order());
        Assert.True(events[^1].Job.ResumedCount > 0, "no item went on inside");
    }

    [Fact]
    public async Task RetryFailed_OfACompletedJob_IsAnotherAttempt_AndAnOldCursorSeesOnlyWhatIsNew()
    {
        var job = await _cluster.Client.SubmitAsync([.. Enumerable.Range(0, 300).Select(number => TestJobs.Image(number, 2, 2, prompt: number % 100 == 7 ? "sick after 0" : "well"))]);
        var first = await _cluster.Client.WatchToEndAsync(job, Cancellation);
        Assert.Equal((JobStatus.Completed, new ItemCounts(0, 0, 297, 3, 0)), (first[^1].Job.Status, first[^1].Job.Counts));
        await _cluster.Client.LeavesTheIndexAsync(job, Cancellation);
        await _cluster.CrashAsync();
        _cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, _engine);

        _isSick = false;
        var retried = await Job(job).RetryFailed();
        var second = await _cluster.Client.WatchToEndAsync(job, Cancellation, first[^1].Cursor);

        Assert.Equal(2, retried.Attempt);
        Assert.Null(retried.EndedAt);
        Assert.Equal([7, 107, 207], Outcomes(second).Select(outcome => outcome.Item).Order());
        Assert.All(Outcomes(second), outcome => Assert.Equal(ItemStatus.Done, outcome.Status));
        Assert.Single(second, happened => happened.IsLast);
        Assert.Equal((JobStatus.Completed, new ItemCounts(0, 0, 300, 0, 0), 2), (second[^1].Job.Status, second[^1].Job.Counts, second[^1].Job.Attempt));
        Assert.Equal(ItemStatus.Done, (await Shard(job).GetItem(7))!.Status);
        await _cluster.Client.LeavesTheIndexAsync(job, Cancellation);

        // Another activation tells the same from the start: every outcome, and one end.
        await _cluster.DisposeAsync();
        _cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, _engine);
        var all = await _cluster.Client.WatchToEndAsync(job, Cancellation);
        Assert.Equal(303, Outcomes(all).Count);
        Assert.Single(all, happened => happened.IsLast);
        Assert.Equal(2, (await Job(job).RetryFailed()).Attempt); // nothing failed: nothing changes
        await _cluster.Client.LeavesTheIndexAsync(job, Cancellation);
    }

    [Fact]
    public async Task MaxFailures_PauseTheJob_AndResumeForgivesThem()
    {
        // They fail one after another, so that some do while the pause is on its way; the others take longer than that.
        var job = await _cluster.Client.SubmitAsync(
            [.. Enumerable.Range(0, 100).Select(number => TestJobs.Image(number, 30, 30, prompt: number < SickCount ? $"sick after {8 * number}" : "well"))], maxFailures: 2);
        var grain = Job(job);
        await foreach (var happened in grain.Watch(JobCursor.Start, Cancellation))
            if (happened.Job.Status == JobStatus.Paused) break;

        var paused = await grain.GetSnapshot();
        Assert.Equal(PauseReason.TooManyFailures, paused.PauseReason);
        Assert.InRange(paused.Counts.Failed, 3, SickCount);

        _isSick = false;
        await grain.Resume();
        var events = await _cluster.Client.WatchToEndAsync(job, Cancellation);

        Assert.Equal(JobStatus.Completed, events[^1].Job.Status);
        Assert.Equal(100, events[^1].Job.Counts.Done + events[^1].Job.Counts.Failed);
        Assert.InRange(events[^1].Job.Counts.Failed, 3, SickCount);
        Assert.All(events, happened => Assert.Equal(PauseReason.None, happened.Job.PauseReason)); // it did not pause again
        await grain.RetryFailed();
        Assert.Equal(100, (await _cluster.Client.WatchToEndAsync(job, Cancellation))[^1].Job.Counts.Done);
    }

    [Fact]
    public async Task SetPriority_PutsOneJobBeforeAnother()
    {
        // One item at a time, so that order shows.
        await _cluster.DisposeAsync();
        _cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, _engine with { SlotCount = 4, TimePerToken = TimeSpan.FromMilliseconds(2) });
        var older = await _cluster.Client.SubmitAsync([.. Enumerable.Range(0, 200).Select(number => TestJobs.Image(number, 6, 6, guidanceScale: 1))]);
        var younger = await _cluster.Client.SubmitAsync([.. Enumerable.Range(0, 10).Select(number => TestJobs.Image(number, 6, 6, guidanceScale: 1))]);

        Assert.Equal(JobPriority.High, (await Job(younger).SetPriority(JobPriority.High)).Priority);
        await _cluster.Client.WatchToEndAsync(younger, Cancellation);

        var behind = await Job(older).GetSnapshot();
        Assert.True(behind.Counts.Ended < 100, $"{behind.Counts}");
        await Job(older).Cancel();
    }

    [Fact]
    public async Task Verbs_WhereTheStateForbidsThem_SayWhy()
    {
        var grain = Job(JobId.Draw());
        await grain.Open(TestJobs.Spec());
        foreach (var verb in (Func<IGenerationJob, Task>[])[one => one.Pause(), one => one.Resume(), one => one.RetryFailed(), one => one.SetPriority(JobPriority.Low), one => one.Delete()])
            await Assert.ThrowsAsync<InvalidJobVerbException>(() => verb(grain));
        await grain.Cancel();
        var refused = await Assert.ThrowsAsync<InvalidJobVerbException>(() => grain.RetryFailed());
        Assert.Contains("cancelled", refused.Message, StringComparison.Ordinal);

        var job = await _cluster.Client.SubmitAsync([TestJobs.Image(0, 2, 2)]);
        await _cluster.Client.WatchToEndAsync(job, Cancellation);
        await Assert.ThrowsAsync<InvalidJobVerbException>(() => Job(job).Pause());
        Assert.Equal(1, (await Job(job).RetryFailed()).Attempt);
    }

    [Fact]
    public async Task Cancel_OfAPausedJob_EndsIt()
    {
        var job = await _cluster.Client.SubmitAsync([.. Enumerable.Range(0, 40).Select(number => TestJobs.Image(number, 30, 30))]);
        await Job(job).Pause();

        var cancelled = await Job(job).Cancel();

        Assert.Equal((JobStatus.Cancelled, 40), (cancelled.Status, cancelled.Counts.Done + cancelled.Counts.Cancelled));
    }

    [Fact]
    public async Task Standings_NameWhatHasNotEnded_AndWhoHasIt()
    {
        var job = await _cluster.Client.SubmitAsync([.. Enumerable.Range(0, 60).Select(number => TestJobs.Image(number, 30, 30))]);
        while (_cluster.Engine.Load.GeneratedTokenCount < 2000) await Task.Delay(20, Cancellation);

        var itemViews = await Shard(job).GetItemViews();
        while (itemViews.All(itemView => itemView.TokenCount == 0))
        {
            await Task.Delay(50, Cancellation); // until the next heartbeat
            itemViews = await Shard(job).GetItemViews();
        }

        Assert.All(itemViews, itemView => Assert.Equal(itemView.Status == ItemStatus.Running, itemView.Holder is not null && itemView.HeardAgo < TimeSpan.FromSeconds(20)));
        Assert.Contains(itemViews, itemView => itemView is { Status: ItemStatus.Pending, Epoch: 0 });
        await Job(job).Cancel();
        Assert.Empty(await Shard(job).GetItemViews());
    }

    [Fact]
    public async Task Submission_WithFewerItemsThanCameBefore_IsAConflict()
    {
        var items = Enumerable.Range(0, 300).Select(number => TestJobs.Image(number, 2, 2)).ToList();
        foreach (var fewer in (int[])[299, 256, 100])
        {
            var id = JobId.Draw();
            await Job(id).Open(TestJobs.Spec());
            await _cluster.Client.GetGrain<IJobShard>(id.Shard(0)).Init(TestJobs.Spec(), 0, items[..256]);
            await _cluster.Client.GetGrain<IJobShard>(id.Shard(1)).Init(TestJobs.Spec(), 0, items[256..]);

            await Assert.ThrowsAsync<IdempotencyConflictException>(() => Job(id).Seal(fewer, "hash"));
            Assert.Equal(JobStatus.Queued, (await Job(id).Seal(300, "hash")).Status);
        }
    }

    private IGenerationJob Job(JobId job) => _cluster.Client.GetGrain<IGenerationJob>(job.Value);

    private IJobShard Shard(JobId job) => _cluster.Client.GetGrain<IJobShard>(job.Shard(0));

    private static List<ItemOutcome> Outcomes(List<JobEvent> events) => [.. events.Select(happened => happened.Outcome).OfType<ItemOutcome>()];
}
