using System.Diagnostics;
using System.Text.Json;
using Emu3.Benchmarks.Processes;
using Emu3.Grains.Interfaces;

namespace Emu3.Benchmarks.Recovery;

/// <summary>
/// How long items stand still when their worker goes: from the signal to the first token that another worker generates of one of them.
/// Real processes, simulated engines, so that what is measured is the cluster.
/// </summary>
internal static class RecoveryBenchmark
{
    private const int ItemCount = 16;

    /// <param name="rounds">Of each kind.</param>
    public static async Task RunAsync(int rounds)
    {
        var report = new Report("Recovery from the loss of a worker", $"dotnet run --project Benchmarks -c Release -- recovery --rounds {rounds}");
        report.Line($"* 1 control silo, 2 worker silos, 1 gateway, each a process; {ItemCount} pictures of 603 tokens in flight, 20 ms a token; embedded store");
        report.Line("* from the signal to the first token that another worker generates of an item which the lost one had, in seconds");
        var folder = Directory.CreateTempSubdirectory("emu3-recovery-");
        var settings = ProcessClusterPlan.Simulated(4 * ItemCount, TimeSpan.FromMilliseconds(20));
        settings["Simulation:StepTokens"] = "1";
        settings["Simulation:ImageArea"] = $"{192 * 192}";
        await using (var cluster = await ProcessCluster.StartAsync(new() { Folder = folder.FullName, WorkerSettings = settings }, CancellationToken.None))
        {
            List<string[]> rows =
            [
                await MeasureAsync(cluster, rounds, "SIGKILL", "6", worker => worker.KillAsync()),
                await MeasureAsync(cluster, rounds, "SIGTERM", "1", worker => Task.FromResult(worker.Terminate())),
                await MeasureAsync(cluster, rounds, "SIGSTOP", "15", worker => Task.FromResult(worker.Freeze())),
            ];
            report.Table(["", "rounds", "median", "worst", "wanted at most"], rows);
        }

        folder.Delete(recursive: true);
        await DevicesBenchmark.RunAsync(report);
        report.Save("recovery");
    }

    private static async Task<string[]> MeasureAsync(ProcessCluster cluster, int rounds, string name, string wanted, Func<ClusterProcess, Task> lose)
    {
        using var client = new JobClient(cluster.GatewayAddresses);
        var seconds = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            var (worker, elapsed) = await LoseAsync(cluster, client, $"{name}-{round}", lose);
            seconds.Add(elapsed.TotalSeconds);
            await worker.RestartAsync();
            await cluster.ReadyAsync(cluster.Workers.Count, CancellationToken.None);
        }

        return [name, $"{rounds}", Report.Figure(Report.Median(seconds)), Report.Figure(seconds.Max()), wanted];
    }

    /// <summary>The worker that holds most of a job is lost.</summary>
    private static async Task<(ClusterProcess Worker, TimeSpan Elapsed)> LoseAsync(
        ProcessCluster cluster, JobClient client, string key, Func<ClusterProcess, Task> lose)
    {
        using var ending = new CancellationTokenSource(TimeSpan.FromMinutes(2), TimeProvider.System);
        var job = await client.SubmitAsync(key, Lines(), ending.Token);
        var grains = await cluster.ConnectAsync(ending.Token);
        var watches = Enumerable.Range(0, ItemCount).Select(item => new ItemWatch(grains, job, item, ending.Token)).ToList();
        await Within("The job did not begin", Task.WhenAll(watches.Select(watch => watch.Began)), ending.Token);
        var itemViews = await grains.GetGrain<IJobShard>(new JobId(job).Shard(0)).GetItemViews();
        var holder = itemViews.Select(itemView => itemView.Holder).OfType<WorkerId>().GroupBy(id => id.Silo).MaxBy(items => items.Count())!.Key;
        var worker = cluster.Workers.Single(one => one.SiloPort == SiloAddress.FromParsableString(holder).Endpoint.Port);
        var lost = Stopwatch.GetTimestamp();
        await lose(worker);

        // An item that goes on under another lease was the lost worker's.
        await Within("No item went on elsewhere", Task.WhenAny(watches.Select(watch => watch.Moved)), ending.Token);
        var elapsed = Stopwatch.GetElapsedTime(lost);
        await client.CancelAsync(job, ending.Token);
        await ending.CancelAsync();
        return (worker, elapsed);
    }

    private static async Task Within(string otherwise, Task task, CancellationToken patience)
    {
        try
        {
            await task.WaitAsync(patience);
        }
        catch (OperationCanceledException)
        {
            throw new InvalidOperationException($"{otherwise} within two minutes.");
        }
    }

    private static IEnumerable<string> Lines() => Enumerable.Range(0, ItemCount)
        .Select(item => JsonSerializer.Serialize(new { id = $"{item}", prompt = "a slow picture", seed = $"{item}" })).Prepend("{}");
}
