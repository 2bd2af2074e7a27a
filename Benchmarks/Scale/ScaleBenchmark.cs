using System.Diagnostics;
using System.Text.Json;
using Emu3.Benchmarks.Processes;
using Emu3.Inference.Simulation;

namespace Emu3.Benchmarks.Scale;

/// <summary>How large a cluster's books can be: items accepted, dispatched and recorded, what that writes, what it holds in memory, what callers wait meanwhile.</summary>
internal static class ScaleBenchmark
{
    /// <summary>
    /// So long a picture takes at least, and up to <see cref="Jitter"/> longer: a thousand workers make 1,087 a second, if they never wait, where 1,000 are
    /// asked for. With half of it both processors are busy without a pause, and such a machine answers nobody quickly. Without jitter the thousand, which
    /// began together, end together for ever after, as no thousand devices do.
    /// </summary>
    private static readonly TimeSpan s_timeOfPicture = TimeSpan.FromMilliseconds(800);

    private const double Jitter = 0.3;

    /// <summary>Two by two cells: two rows of two with their ends, and three that close it.</summary>
    private const int TokensOfPicture = 9;

    /// <summary>Run before anything is measured: for so long .NET compiles what it runs often a second time, which takes as much of two processors as the work.</summary>
    private const int WarmItemCount = 20_000;

    /// <param name="itemCount">Items of the one job.</param>
    /// <param name="workerCount">Simulated workers.</param>
    public static async Task RunAsync(int itemCount, int workerCount)
    {
        var report = new Report("Scale on the embedded store", $"dotnet run --project Benchmarks -c Release -- scale --items {itemCount} --workers {workerCount}");
        report.Line($"* {workerCount} simulated workers, a silo and a gateway in one process; pictures of 16×16 that take {s_timeOfPicture.TotalMilliseconds} to {s_timeOfPicture.TotalMilliseconds * (1 + Jitter)} ms; prompts of about 300 characters; {WarmItemCount} items run before");
        var folder = Directory.CreateTempSubdirectory("emu3-scale-");
        var simulation = new SimulationOptions { TimePerToken = s_timeOfPicture / TokensOfPicture, Jitter = Jitter, StepTokens = TokensOfPicture, ImageArea = 16 * 16 };
        await using (var cluster = await SimulatedCluster.StartAsync(folder.FullName, workerCount, slotCount: 1, simulation, lookAheadSlots: 2))
            await MeasureAsync(report, cluster, itemCount);
        folder.Delete(recursive: true);
        report.Save("scale");
    }

    private static async Task MeasureAsync(Report report, SimulatedCluster cluster, int itemCount)
    {
        using var client = new JobClient([cluster.Address]);
        var warm = await client.SubmitAsync("warm", Lines(WarmItemCount), CancellationToken.None);
        await EndAsync(client, warm);

        var before = Memory();
        List<string[]> accepting, running;
        string job;
        TimeSpan accepted;
        await using (var status = new LatencyProbe("status, while items are accepted", new(cluster.Address, $"/v1/jobs/{warm}")))
        await using (var listing = new LatencyProbe("listing, while items are accepted", new(cluster.Address, "/v1/jobs?limit=20")))
        {
            var started = Stopwatch.GetTimestamp();
            job = await client.SubmitAsync("large", Lines(itemCount), CancellationToken.None);
            accepted = Stopwatch.GetElapsedTime(started);
            accepting = [await status.RowAsync(), await listing.RowAsync()];
        }

        var sealedAt = Stopwatch.GetTimestamp();
        var stateAtSeal = cluster.State.PayloadBytes;
        var (allocatedAtSeal, stoppedAtSeal, busyAtSeal) = (GC.GetTotalAllocatedBytes(), GC.GetTotalPauseDuration(), Environment.CpuUsage.TotalTime);
        var memory = new List<string[]> { Row("before the job", before), Row("accepted", Memory()) };
        await using (var status = new LatencyProbe("status, while items run", new(cluster.Address, $"/v1/jobs/{job}")))
        await using (var listing = new LatencyProbe("listing, while items run", new(cluster.Address, "/v1/jobs?limit=20")))
        await using (var results = new LatencyProbe("page of 100 results, while items run", new(cluster.Address, $"/v1/jobs/{job}/results?limit=100")))
        {
            for (var quarter = 1; quarter <= 4; quarter++)
            {
                await EndAsync(client, job, share: quarter / 4.0);
                memory.Add(Row($"{quarter * 25} % done", Memory()));
            }

            running = [await status.RowAsync(), await listing.RowAsync(), await results.RowAsync()];
        }

        var elapsed = Stopwatch.GetElapsedTime(sealedAt);
        var stopped = GC.GetTotalPauseDuration() - stoppedAtSeal;
        var busy = Environment.CpuUsage.TotalTime - busyAtSeal;
        var allocated = (GC.GetTotalAllocatedBytes() - allocatedAtSeal) / 1024.0 / itemCount;
        var bytes = (cluster.State.PayloadBytes - stateAtSeal) / (double)itemCount;
        var outcomes = await client.ReadResultsAsync(job, CancellationToken.None).ToListAsync();
        var done = outcomes.Where(outcome => outcome.Status == "done").Select(outcome => outcome.Index).Distinct().Count();
        if (done != itemCount || outcomes.Count != itemCount) throw new InvalidOperationException($"{done} of {itemCount} items are done, by {outcomes.Count} outcomes.");
        report.Table(["", "measured", "wanted"],
        [
            [$"{itemCount} items accepted durably, s", Report.Figure(accepted.TotalSeconds), "30 at most"],
            ["items run, a second", Report.Figure(itemCount / elapsed.TotalSeconds), "1,000 at least"],
            ["state written for an item from its lease to its end, bytes", Report.Figure(bytes), "1,500 at most"],
            ["allocated for an item by silo, workers, gateway and callers together, KiB", Report.Figure(allocated), ""],
            ["collections stopped the process, % of the time", Report.Figure(100 * (stopped / elapsed)), ""],
            ["processors busy with all of it, % of them all", Report.Figure(100 * (busy / elapsed / Environment.ProcessorCount)), ""],
            ["writes that shared a commit", Report.Figure(cluster.State.WriteCount / (double)cluster.State.CommitCount), ""],
        ]);
        report.Line("How long answers took, in ms; 50 wanted. One process holds it all, and a collection stops it for some 60 ms:");
        report.Table(["", "answers", "median", "95th percentile", "99th percentile", "worst"], [.. accepting, .. running]);
        report.Line("Memory of the process, in MiB (managed after the last collection; resident):");
        report.Table(["", "managed", "resident"], memory);
    }

    private static string[] Row(string when, (double Managed, double Resident) memory) => [when, Report.Figure(memory.Managed), Report.Figure(memory.Resident)];

    private static (double Managed, double Resident) Memory()
    {
        // No collection is forced: it would stop the process that is measured.
        return (GC.GetGCMemoryInfo(GCKind.Any).HeapSizeBytes / 1048576.0, Environment.WorkingSet / 1048576.0);
    }

    /// <summary>Waits until this share of the job's items has ended.</summary>
    private static async Task EndAsync(JobClient client, string job, double share = 1)
    {
        while (true)
        {
            var counts = (await client.GetJobAsync(job, CancellationToken.None)).GetProperty("counts");
            int Count(string name) => counts.GetProperty(name).GetInt32();
            if (Count("done") + Count("failed") + Count("cancelled") >= share * Count("total") && Count("total") > 0) return;
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }

    private static IEnumerable<string> Lines(int count) => Enumerable.Range(0, count)
        .Select(item => JsonSerializer.Serialize(new { id = $"{item}", prompt = $"{item} {new string('x', 290)}", seed = $"{item}", guidance_scale = 1, embed_recipe = false }))
        .Prepend("{}");
}
