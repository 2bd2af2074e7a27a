using System.Security.Cryptography;
using Emu3.Grains.Interfaces;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

[Trait("Suite", "Cluster")]
public sealed class JobTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private EmbeddedCluster _cluster = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // One slot in sixteen is kept from batch work; a step of eight tokens takes a few milliseconds.
    public async ValueTask InitializeAsync() => _cluster = await EmbeddedCluster.StartAsync(
        _folder.FullPath, new FakeEngineOptions { SlotCount = 32, TimePerToken = TimeSpan.FromMilliseconds(0.5) });

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Job_Of600Items_GivesEachItemOnceAndEndsOnce()
    {
        var job = await _cluster.Client.SubmitAsync([.. Enumerable.Range(0, 600).Select(number => TestJobs.Image(number, 2, 2))]);

        var events = await _cluster.Client.WatchToEndAsync(job, Cancellation);

        var outcomes = events.Select(happened => happened.Outcome).OfType<ItemOutcome>().ToList();
        Assert.Equal(Enumerable.Range(0, 600), outcomes.Select(outcome => outcome.Item).Order());
        Assert.All(outcomes, outcome => Assert.Equal(ItemStatus.Done, outcome.Status));
        Assert.Same(events[^1], Assert.Single(events, happened => happened.IsLast));
        Assert.Equal(JobStatus.Completed, events[^1].Job.Status);
        Assert.Equal(new ItemCounts(0, 0, 600, 0, 0), events[^1].Job.Counts);
        Assert.All(_cluster.Engine.Finished.Values, times => Assert.Equal(1, times));
        foreach (var outcome in outcomes.Take(5))
        {
            var file = await _cluster.Blobs.ReadAsync(BlobKeys.Result("tests", job, outcome.Item, outcome.Result!.FileHash), Cancellation);
            Assert.Equal(outcome.Result.FileHash, SHA256.HashData(file!));
        }
    }

    [Fact]
    public async Task Watch_FromAnyCursor_GoesOnWithoutGapOrRepeat()
    {
        var job = await _cluster.Client.SubmitAsync([.. Enumerable.Range(0, 300).Select(number => TestJobs.Image(number, 2, 2))]);
        var all = await _cluster.Client.WatchToEndAsync(job, Cancellation);
        var order = all.Select(happened => happened.Outcome).OfType<ItemOutcome>().Select(outcome => outcome.Item).ToList();

        foreach (var at in (int[])[0, 1, 100, 299])
        {
            var cursor = all.Where(happened => happened.Outcome is not null).ElementAt(at).Cursor;
            Assert.True(JobCursor.TryParse(cursor.ToString(), out var read));

            var rest = await _cluster.Client.WatchToEndAsync(job, Cancellation, read);

            var seen = order.Take(at + 1).Concat(rest.Select(happened => happened.Outcome).OfType<ItemOutcome>().Select(outcome => outcome.Item));
            Assert.Equal(Enumerable.Range(0, 300), seen.Order());
            Assert.True(rest[^1].IsLast);
        }
    }

    [Fact]
    public async Task Submission_Repeated_IsOneJob_WithOtherContent_IsRefused()
    {
        var id = JobId.FromIdempotencyKey("tests", "a key");
        var items = Enumerable.Range(0, 20).Select(number => TestJobs.Image(number, 2, 2)).ToList();
        await _cluster.Client.SubmitAsync(items, id: id);
        await _cluster.Client.SubmitAsync(items, id: id);
        await _cluster.Client.WatchToEndAsync(id, Cancellation);
        await _cluster.Client.SubmitAsync(items, id: id);

        Assert.All(_cluster.Engine.Finished.Values, times => Assert.Equal(1, times));
        Assert.Equal(20, _cluster.Engine.Finished.Count);
        await Assert.ThrowsAsync<IdempotencyConflictException>(() => _cluster.Client.SubmitAsync([.. items.Skip(1)], id: id));
        await Assert.ThrowsAsync<IdempotencyConflictException>(() => _cluster.Client.GetGrain<IGenerationJob>(id.Value).Seal(21, "hash"));
    }

    [Fact]
    public async Task Cancel_EndsWhatHasNotEnded_AndFreesTheEngine()
    {
        var job = await _cluster.Client.SubmitAsync([.. Enumerable.Range(0, 300).Select(number => TestJobs.Image(number, 30, 30))]);
        var grain = _cluster.Client.GetGrain<IGenerationJob>(job.Value);
        await foreach (var happened in grain.Watch(JobCursor.Start, Cancellation))
            if (happened.Job.Counts.Running > 0) break;

        var cancelled = await grain.Cancel();
        var again = await grain.Cancel();
        var events = await _cluster.Client.WatchToEndAsync(job, Cancellation);

        Assert.Equal(JobStatus.Cancelled, cancelled.Status);
        Assert.Equal(cancelled.Counts, again.Counts);
        Assert.Equal(300, cancelled.Counts.Done + cancelled.Counts.Cancelled);
        Assert.Equal(300, events.Count(happened => happened.Outcome is not null));
        Assert.Single(events, happened => happened.IsLast);
        while (_cluster.Engine.Load.RunningCount > 0) await Task.Delay(20, Cancellation);
        await _cluster.Client.LeavesTheIndexAsync(job, Cancellation);
    }

    [Fact]
    public async Task Item_ThatCantBeMade_FailsAlone()
    {
        var job = await _cluster.Client.SubmitAsync([TestJobs.Image(0, 2, 2), TestJobs.Image(1, 2, 2, prompt: "too long"), TestJobs.Image(2, 2, 2)]);

        var events = await _cluster.Client.WatchToEndAsync(job, Cancellation);

        Assert.Equal(JobStatus.Completed, events[^1].Job.Status);
        Assert.Equal(new ItemCounts(0, 0, 2, 1, 0), events[^1].Job.Counts);
        var failed = await _cluster.Client.GetGrain<IJobShard>(job.Shard(0)).GetItem(1);
        Assert.Equal(FailureCode.PromptTooLong, failed!.Failure!.Code);
    }

    [Fact]
    public async Task Delete_RemovesTheJobAndItsFiles()
    {
        var job = await _cluster.Client.SubmitAsync([TestJobs.Image(0, 2, 2)]);
        var outcome = (await _cluster.Client.WatchToEndAsync(job, Cancellation)).Select(happened => happened.Outcome).OfType<ItemOutcome>().Single();
        var grain = _cluster.Client.GetGrain<IGenerationJob>(job.Value);

        await grain.Delete();
        await grain.Delete();

        await Assert.ThrowsAsync<JobNotFoundException>(() => grain.GetSnapshot());
        Assert.Null(await _cluster.Blobs.ReadAsync(BlobKeys.Result("tests", job, 0, outcome.Result!.FileHash), Cancellation));
    }

    [Fact]
    public async Task UnknownJob_IsNotFound()
    {
        await Assert.ThrowsAsync<JobNotFoundException>(() => _cluster.Client.GetGrain<IGenerationJob>(JobId.Draw().Value).GetSnapshot());
        await Assert.ThrowsAsync<JobNotFoundException>(() => _cluster.Client.WatchToEndAsync(JobId.Draw(), Cancellation));
    }

    [Fact]
    public async Task Tokens_ArriveWholeAndInOrder_WhereverOneBegins()
    {
        var job = await _cluster.Client.SubmitAsync([TestJobs.Chat(3, 400)]);
        var shard = _cluster.Client.GetGrain<IJobShard>(job.Shard(0));

        var readers = await Task.WhenAll(ReadAsync(0), ReadAsync(50));

        var expected = Enumerable.Range(0, 400).Select(index => FakeEngine.TokenAt(3 * 77, 0, index)).ToList();
        Assert.Equal(expected, readers[0]);
        Assert.Equal(expected.Skip(50), readers[1]);

        async Task<List<int>> ReadAsync(int from)
        {
            var tokens = new List<int>();
            await foreach (var chunk in shard.ReadTokens(0, from, Cancellation))
            {
                Assert.Equal(from + tokens.Count, chunk.Offset);
                Assert.Equal(chunk.Tokens.Select((_, place) => $"w{chunk.Offset + place} "), chunk.Pieces!);
                tokens.AddRange(chunk.Tokens);
            }

            return tokens;
        }
    }

    [Fact]
    public async Task Interactive_IsServedWhileBatchFillsTheEngine()
    {
        var batch = await _cluster.Client.SubmitAsync([.. Enumerable.Range(0, 400).Select(number => TestJobs.Image(number, 30, 30))]);
        while (_cluster.Engine.Load.RunningCount < 15) await Task.Delay(20, Cancellation);

        var now = await _cluster.Client.SubmitAsync([TestJobs.Chat(1, 40)], JobPriority.Interactive);
        var events = await _cluster.Client.WatchToEndAsync(now, Cancellation);

        Assert.Equal(JobStatus.Completed, events[^1].Job.Status);
        var behind = await _cluster.Client.GetGrain<IGenerationJob>(batch.Value).GetSnapshot();
        Assert.True(behind.Counts.Ended < 200, $"{behind.Counts}");
        await _cluster.Client.GetGrain<IGenerationJob>(batch.Value).Cancel();
    }

    [Fact]
    public async Task Worker_MeasuresAndTellsItsLoad()
    {
        var info = Assert.Single(await _cluster.Client.GetGrain<IDispatcher>(0).GetWorkers());
        var worker = _cluster.Client.GetGrain<IModelWorker>(info.Id.Value);

        var measures = await worker.Measure([TestJobs.Image(0), TestJobs.Image(1, prompt: "too long")]);

        Assert.Null(measures[0].Failure);
        Assert.Equal(8 + 75, measures[0].Positions);
        Assert.Equal(FailureCode.PromptTooLong, measures[1].Failure!.Code);
        Assert.Equal(32, (await worker.GetLoad()).SlotCount);
        var gone = await Assert.ThrowsAsync<WorkerSiloGoneException>(() => _cluster.Client.GetGrain<IModelWorker>("127.0.0.1:9@1/cpu").Wake());
        Assert.Contains("127.0.0.1:9@1", gone.Message, StringComparison.Ordinal);
    }
}
