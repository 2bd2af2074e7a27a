using System.Diagnostics;
using Emu3.Benchmarks.Processes;

namespace Emu3.Tests.Cluster.Processes;

/// <summary>
/// Everything that can happen to the processes of a cluster, one thing after the other, while a job runs. Each time every item is done once, with the
/// tokens and the file of an undisturbed run; whoever follows the job by <c>Last-Event-ID</c> is told everything once, and of its end once.
/// </summary>
public abstract class KillMatrixTests(DisturbedCluster cluster, ITestOutputHelper output)
{
    /// <summary>Some seconds of work: what is disturbed inside a picture must come upon one.</summary>
    private const int ManyItems = 64;

    /// <summary>A process that is told to end takes a second; on a busy machine some more, and never until the host's patience is spent.</summary>
    private static readonly TimeSpan s_promptly = TimeSpan.FromSeconds(25);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ProcessCluster Processes => cluster.Processes;

    [Fact]
    public Task EachProcess_KilledInTurn() => DisturbAsync("each", 30, async job =>
    {
        var wanted = 2;
        foreach (var process in Processes.All)
        {
            await job.EndedAsync(wanted);
            await process.KillAsync();
            wanted += 5;
        }
    });

    [Fact]
    public async Task Worker_KilledInsidePictures_AreGoneOnWithInside()
    {
        var verdict = await DisturbAsync("worker", ManyItems, async job =>
        {
            await job.InsideAsync(Processes.Workers[0]);
            await Processes.Workers[0].KillAsync();
        });
        Assert.True(verdict.Resumed > 0, "No picture was gone on with inside.");
    }

    [Fact]
    public Task SiloOfTheDispatcher_ThenSiloOfTheJob_Killed() => DisturbAsync("holders", 16, async job =>
    {
        await job.EndedAsync(1);
        await (await Processes.DispatcherSiloAsync(Cancellation)).KillAsync();
        await job.EndedAsync(6);
        await (await Processes.JobSiloAsync(job.Id, Cancellation)).KillAsync();
    });

    [Fact]
    public async Task Gateway_KilledWhileItStreams()
    {
        var before = cluster.Client.InterruptionCount;
        await DisturbAsync("gateway", 16, async job =>
        {
            await job.EndedAsync(2);
            await Processes.Gateways[0].KillAsync();
            await job.EndedAsync(5);
            await Processes.Gateways[0].KillAsync();
        });
        Assert.True(cluster.Client.InterruptionCount >= before + 2, "The stream was not interrupted.");
    }

    [Fact]
    public async Task WorkerAndSiloOfTheJob_Frozen_AreReplaced_AndEndThemselvesWhenTheyGoOn()
    {
        DisturbedJob? meanwhile = null;
        await DisturbAsync("frozen", ManyItems, async job =>
        {
            await job.InsideAsync(Processes.Workers[1]);
            ClusterProcess[] frozen = [Processes.Workers[1], await Processes.JobSiloAsync(job.Id, Cancellation)];
            var zombies = Task.WhenAll(frozen.Select(process => process.Ended));
            try
            {
                await cluster.FreezeAsync(frozen);
                var started = Stopwatch.GetTimestamp();
                await job.JudgeAsync();
                output.WriteLine($"Done without the frozen ones after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s.");
                meanwhile = await DisturbedJob.SubmitAsync(cluster, "meanwhile", 4);
                Assert.True((await meanwhile.JudgeAsync()).IsClean);
                // Only then have they something to learn: that they were replaced.
                foreach (var silo in frozen)
                    await Eventually.TrueAsync($"{silo.Name} is counted as dead", async () => await Processes.IsActiveAsync(silo, Cancellation) is false, () => Processes.TellLogs());
                output.WriteLine($"The frozen ones are counted as dead after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s.");
            }
            finally
            {
                foreach (var process in frozen) process.Thaw();
            }

            // What they did not know, they learn, and end.
            await EndsAsync(zombies, DisturbedCluster.Patience, "Frozen processes that go on");
            Assert.All(frozen, process => Assert.NotEqual(0, process.ExitCode));
        });
        Assert.True((await meanwhile!.JudgeAsync()).IsClean, "What came late counts.");
    }

    [Fact]
    public async Task EachKindOfProcess_ToldToEnd_DoesSoPromptly_AndGivesItsItemsBack()
    {
        var verdict = await DisturbAsync("drain", ManyItems, async job =>
        {
            await job.InsideAsync(Processes.Workers[0]);
            await TerminateAsync(Processes.Workers[0]);
            await TerminateAsync(await Processes.JobSiloAsync(job.Id, Cancellation));
            await TerminateAsync(Processes.Gateways[0]);
        });
        Assert.True(verdict.Resumed > 0, "No picture was gone on with inside.");
    }

    [Fact]
    public async Task AllProcesses_KilledAtOnce()
    {
        var verdict = await DisturbAsync("all", ManyItems, async job =>
        {
            await job.InsideAsync(Processes.Workers[1]);
            await Processes.KillAllAsync();
        });
        Assert.True(verdict.Resumed > 0, "No picture was gone on with inside.");
    }

    /// <summary>Runs a job, does something to the cluster meanwhile, and judges what came of the job.</summary>
    private protected async Task<Verdict> DisturbAsync(string name, int itemCount, Func<DisturbedJob, Task> disturb)
    {
        Assert.SkipWhen(cluster.Refusal is not null, cluster.Refusal ?? "");
        await cluster.WholeAsync();
        var started = Stopwatch.GetTimestamp();
        var job = await DisturbedJob.SubmitAsync(cluster, name, itemCount);
        await disturb(job);
        var verdict = await job.JudgeAsync();
        output.WriteLine($"{verdict}; {verdict.Resumed} went on inside; {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");
        Assert.True(verdict.IsClean && verdict.Right == itemCount, $"{verdict}{Environment.NewLine}{Processes.TellLogs()}");
        return verdict;
    }

    private async Task TerminateAsync(ClusterProcess process)
    {
        var ended = process.Ended;
        var started = Stopwatch.GetTimestamp();
        Assert.True(process.Terminate());
        await EndsAsync(ended, s_promptly, process.Name);
        output.WriteLine($"{process.Name} ended after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s.");
        Assert.Equal(0, process.ExitCode);
    }

    private async Task EndsAsync(Task ended, TimeSpan patience, string who)
    {
        if (await Task.WhenAny(ended, Task.Delay(patience, TimeProvider.System, Cancellation)) != ended)
            Assert.Fail($"{who} did not end within {patience.TotalSeconds} s.{Environment.NewLine}{Processes.TellLogs()}");
    }
}
