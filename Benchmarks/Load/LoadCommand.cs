using System.CommandLine;
using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Load;

/// <summary><c>load</c>: a gateway, a silo and workers as processes, under less and more than the workers can do; then a crowd of readers.</summary>
internal static class LoadCommand
{
    private const int SlotCount = 16;

    /// <summary>What may wait: some twenty seconds of work.</summary>
    private const int MostQueuedItems = 400;

    private static readonly TimeSpan s_timePerToken = TimeSpan.FromMilliseconds(10);

    public static Command Create()
    {
        var seconds = new Option<int>("--seconds") { Description = "Of each load.", DefaultValueFactory = _ => 120 };
        var streams = new Option<int>("--streams") { Description = "Readers of events at once.", DefaultValueFactory = _ => 1_000 };
        var seed = new Option<int>("--seed") { Description = "Of the arrivals.", DefaultValueFactory = _ => 1 };
        var command = new Command("load", "Arrivals at 0.5, 0.9 and 1.5 of capacity whatever comes back: waits, refusals, losses; then 1,000 streams at once.") { seconds, streams, seed };
        command.SetAction((result, cancellationToken) =>
            RunAsync(TimeSpan.FromSeconds(result.GetValue(seconds)), result.GetValue(streams), result.GetValue(seed), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(TimeSpan length, int streamCount, int seed, CancellationToken cancellationToken)
    {
        var report = new Report("A gateway under load", $"dotnet run --project Benchmarks -c Release -- load --seconds {length.TotalSeconds:0} --streams {streamCount} --seed {seed}");
        report.Line($"* a gateway, a control silo and a worker as processes, and all callers, on one machine; a simulated engine draws {SlotCount} pictures at a time, {75 * s_timePerToken.TotalSeconds:0.00} s each");
        report.Line($"* `Gateway:MostQueuedItems` = {MostQueuedItems}; callers come at random times (exponential gaps) and do not wait for each other; one in ten submits a job of {Caller.ItemsOfJob} pictures, the others wait for a picture");
        report.Line($"* who is refused comes back after `Retry-After`, {Caller.MaxRetries} times at most, as OpenAI's clients do");
        var folder = Directory.CreateTempSubdirectory("emu3-load-").FullName;
        var plan = new ProcessClusterPlan
        {
            Folder = folder,
            WorkerCount = 1,
            WorkerSettings = ProcessClusterPlan.Simulated(SlotCount, s_timePerToken),
            Settings = new Dictionary<string, string> { ["Gateway:MostQueuedItems"] = $"{MostQueuedItems}" },
        };
        bool isClean;
        await using (var cluster = await ProcessCluster.StartAsync(plan, cancellationToken))
        {
            using var client = new JobClient(cluster.GatewayAddresses);
            using var caller = new Caller(cluster.GatewayAddresses[0]);
            isClean = await OpenLoop.MeasureAsync(report, caller, client, length, seed, cancellationToken);
            await Refusals.MeasureAsync(report, caller, MostQueuedItems, cancellationToken);
            isClean &= await EventReaders.MeasureAsync(report, cluster, client, streamCount, MostQueuedItems, cancellationToken);
        }

        Directory.Delete(folder, recursive: true);
        report.Line(isClean ? "Nothing that was accepted was lost." : "SOMETHING WAS LOST OR WRONG; see above.");
        report.Save("load");
        return isClean ? 0 : 1;
    }
}
