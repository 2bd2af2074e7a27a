using Emu3.Grains.Interfaces;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

[Trait("Suite", "Cluster")]
public sealed class JobTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private EmbeddedCluster _cluster = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _cluster = await EmbeddedCluster.StartAsync(_folder.FullPath);

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
        Assert.Single(events, happened => happened.IsLast);
        Assert.Same(events[^1], events.Single(happened => happened.IsLast));
        Assert.Equal(JobStatus.Completed, events[^1].Job.Status);
        Assert.Equal(new ItemCounts(0, 0, 600, 0, 0), events[^1].Job.Counts);
        Assert.All(_cluster.Engine.Finished.Values, times => Assert.Equal(1, times));
        foreach (var outcome in outcomes.Take(5))
        {
            var file = await _cluster.Blobs.ReadAsync(BlobKeys.Result("tests", job, outcome.Item, outcome.Result!.FileHash), Cancellation);
            Assert.Equal(outcome.Result.FileHash, System.Security.Cryptography.SHA256.HashData(file!));
        }
    }
}
