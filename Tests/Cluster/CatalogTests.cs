using Emu3.Grains.Interfaces;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

[Trait("Suite", "Cluster")]
public sealed class CatalogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task JobCatalog_ListsNewestFirst_InPages_AcrossHoursAndRestarts()
    {
        var start = new DateTimeOffset(2026, 11, 25, 0, 0, 0, TimeSpan.Zero);
        var jobs = Enumerable.Range(0, 40).Select(number => new CatalogEntry(JobId.Draw(), start.AddMinutes(17 * (number / 2)))).ToList();
        await using (var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath))
        {
            var catalog = cluster.Client.GetGrain<IJobCatalog>(IJobCatalog.KeyOf("a/tenant"));
            await Task.WhenAll(jobs.Concat(jobs.Take(5)).Select(job => catalog.Add(job.Job, job.CreatedAt)));
            foreach (var gone in (int[])[3, 20, 39]) await catalog.Remove(jobs[gone].Job, jobs[gone].CreatedAt);
            await cluster.CrashAsync();
        }

        await using var again = await EmbeddedCluster.StartAsync(_folder.FullPath);
        var restored = again.Client.GetGrain<IJobCatalog>(IJobCatalog.KeyOf("a/tenant"));
        var listed = new List<CatalogEntry>();
        while (await restored.List(listed.LastOrDefault(), 7) is { Count: > 0 } page) listed.AddRange(page);

        var expected = jobs.Where((_, number) => number is not (3 or 20 or 39)).OrderByDescending(job => job.CreatedAt).ThenBy(job => job.Job.Value, StringComparer.Ordinal);
        Assert.Equal(expected, listed);
        Assert.Empty(await again.Client.GetGrain<IJobCatalog>(IJobCatalog.KeyOf("another")).List(null, 7));
    }

    [Fact]
    public async Task JobCatalog_GoesOn_BehindAnEntryThatIsGoneMeanwhile()
    {
        var start = new DateTimeOffset(2026, 11, 25, 0, 0, 0, TimeSpan.Zero);
        var jobs = Enumerable.Range(0, 4).Select(number => new CatalogEntry(JobId.Draw(), start.AddHours(-number))).ToList();
        await using var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath);
        var catalog = cluster.Client.GetGrain<IJobCatalog>(IJobCatalog.KeyOf("tests"));
        foreach (var job in jobs) await catalog.Add(job.Job, job.CreatedAt);
        var first = await catalog.List(null, 2);
        await catalog.Remove(jobs[1].Job, jobs[1].CreatedAt);

        Assert.Equal(jobs.Take(2), first);
        Assert.Equal(jobs.Skip(2), await catalog.List(first[^1], 10));
    }

    [Fact]
    public async Task JobsThatEndedLongAgo_AreRemoved_AndOthersAreNot()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath, jobs: new() { KeepEnded = TimeSpan.FromMilliseconds(1) });
        var catalog = cluster.Client.GetGrain<IJobCatalog>(IJobCatalog.KeyOf("tests"));
        var ended = await cluster.Client.SubmitAsync([TestJobs.Image(0)]);
        await cluster.Client.WatchToEndAsync(ended, cancellationToken);
        var open = JobId.Draw();
        await cluster.Client.GetGrain<IGenerationJob>(open.Value).Open(TestJobs.Spec());
        await catalog.Add(open, TestJobs.Spec().CreatedAt);
        await catalog.Add(ended, TestJobs.Spec().CreatedAt);

        await catalog.AsReference<IRemindable>().ReceiveReminder("expire", new TickStatus(), cancellationToken); // hourly

        while ((await catalog.List(null, 10)).Count > 1) await Task.Delay(10, cancellationToken);
        Assert.Equal(open, Assert.Single(await catalog.List(null, 10)).Job);
        await Assert.ThrowsAsync<JobNotFoundException>(() => cluster.Client.GetGrain<IGenerationJob>(ended.Value).GetSnapshot());
        Assert.Equal(JobStatus.Open, (await cluster.Client.GetGrain<IGenerationJob>(open.Value).GetSnapshot()).Status);
    }

    [Fact]
    public async Task ModelCatalog_KeepsWhatWorkersHad_WhenTheyAreGone()
    {
        await using (var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath))
        {
            var catalog = cluster.Client.GetGrain<IModelCatalog>(0);
            var info = Assert.Single(await cluster.Client.GetGrain<IDispatcher>(0).GetWorkers()).Model;
            while ((await catalog.List()).Count == 0) await Task.Delay(10, TestContext.Current.CancellationToken);
            await catalog.Add(info with { Name = "other", WeightsHash = "1" });
            await catalog.Add(info with { Name = "other", WeightsHash = "2" });
            await catalog.Add(info with { Name = "third" });
            await catalog.Remove("third");
            await cluster.CrashAsync();
        }

        await using var again = await EmbeddedCluster.StartAsync(_folder.FullPath);
        var models = await again.Client.GetGrain<IModelCatalog>(0).List();

        Assert.Equal([("fake", new string('f', 64)), ("other", "2")], models.Select(model => (model.Name, model.WeightsHash)));
    }

    [Fact]
    public async Task QuarantinedDevice_GetsNoWork_AndItsCardSaysWhy_UntilItIsReleased()
    {
        await using var cluster = await EmbeddedCluster.StartAsync(_folder.FullPath);
        var dispatcher = cluster.Client.GetGrain<IDispatcher>(0);
        var ledger = cluster.Client.GetGrain<IDeviceLedger>(0);
        var info = Assert.Single(await dispatcher.GetWorkers());
        for (var death = 0; death < 3; death++)
        {
            var worker = new WorkerId($"127.0.0.1:1@{death}/cpu");
            await ledger.Seen(worker, info.Device);
            await ledger.DiedWith(worker, JobId.Draw(), death);
        }

        while (Assert.Single(await dispatcher.GetWorkers()).Quarantine is null) await Task.Delay(10, TestContext.Current.CancellationToken);
        var job = await cluster.Client.SubmitAsync([TestJobs.Image(0)]);
        Assert.Empty((await dispatcher.Next(info.Id, new(4, 4, 0))).Hints);
        Assert.Equal(1, (await cluster.Client.GetGrain<IGenerationJob>(job.Value).GetSnapshot()).Counts.Pending);

        await ledger.Release(info.Device);
        var events = await cluster.Client.WatchToEndAsync(job, TestContext.Current.CancellationToken);

        Assert.Equal(1, events[^1].Job.Counts.Done);
        Assert.Null(Assert.Single(await dispatcher.GetWorkers()).Quarantine);
    }
}
