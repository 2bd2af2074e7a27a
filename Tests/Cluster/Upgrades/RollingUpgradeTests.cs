using Emu3.Benchmarks.Processes;
using Emu3.Tests.Cluster.Processes;

namespace Emu3.Tests.Cluster.Upgrades;

/// <summary>The previous release and this one in one cluster, while one takes the place of the other.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class RollingUpgradeTests(UpgradedCluster cluster, ITestOutputHelper output) : IClassFixture<UpgradedCluster>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ProcessCluster Processes => cluster.Processes;

    [Fact]
    public async Task Jobs_OfThePreviousRelease_GoOnInThisOne_WhoseProcessesTakeOverOneByOne()
    {
        Assert.SkipWhen(cluster.Refusal is not null, cluster.Refusal ?? "");
        var finished = await SubmitAsync("finished", 4);
        await JudgeAsync(finished);

        // Begun by workers of the previous release, and ended by those of this one.
        var kept = await SubmitAsync("kept", 16);
        await kept.Job.InsideAsync(Processes.Workers[0]);
        await cluster.Client.PauseAsync(kept.Job.Id, Cancellation);

        // Each process leaves in the middle of a job.
        await cluster.ApplyAsync();
        var jobs = new List<(DisturbedJob Job, int ItemCount)>();
        foreach (var control in Processes.Controls)
        {
            jobs.Add(await SubmitAsync(control.Name, 24));
            await jobs[^1].Job.EndedAsync(1);
            await cluster.RollAsync(control);
            if (control != Processes.Controls[0]) continue;
            // All grains are on the silo of this release now, or soon; and one of the previous release starts beside it.
            await cluster.CrashAsync(Processes.Controls[1]);
        }

        foreach (var worker in Processes.Workers)
        {
            var job = await SubmitAsync(worker.Name, 24);
            await job.Job.InsideAsync(worker);
            await cluster.RollAsync(worker);
            Assert.True((await JudgeAsync(job)).Resumed > 0, $"No picture that {worker.Name} gave back was gone on with inside.");
        }

        foreach (var gateway in Processes.Gateways)
        {
            jobs.Add(await SubmitAsync(gateway.Name, 16));
            await jobs[^1].Job.EndedAsync(1);
            await cluster.RollAsync(gateway);
        }

        foreach (var job in jobs) await JudgeAsync(job);
        Assert.False(kept.Job.End.IsCompleted);
        await cluster.Client.ResumeAsync(kept.Job.Id, Cancellation);
        Assert.True((await JudgeAsync(kept)).Resumed > 0, "No picture of the previous release was gone on with inside.");
        await JudgeAsync(finished); // as this release tells it
    }

    private async Task<(DisturbedJob Job, int ItemCount)> SubmitAsync(string name, int itemCount) => (await DisturbedJob.SubmitAsync(cluster, name, itemCount), itemCount);

    private async Task<Verdict> JudgeAsync((DisturbedJob Job, int ItemCount) job)
    {
        var verdict = await job.Job.JudgeAsync();
        output.WriteLine($"{TimeProvider.System.GetLocalNow():T} {job.Job.Id}: {verdict}; {verdict.Resumed} went on inside");
        Assert.True(verdict.IsClean && verdict.Right == job.ItemCount, $"{verdict}{Environment.NewLine}{Processes.TellLogs()}");
        return verdict;
    }
}
