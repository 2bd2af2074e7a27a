using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Load;

/// <summary>Many readers of events at once, each of whom must see every item once and the end.</summary>
internal static class EventReaders
{
    private const int JobCount = 4;

    /// <returns>Whether every reader saw all of it.</returns>
    public static async Task<bool> MeasureAsync(Report report, ProcessCluster cluster, JobClient client, int readerCount, int most, CancellationToken cancellationToken)
    {
        while ((await client.GetJsonAsync("/v1/jobs?limit=100", cancellationToken)).GetProperty("data").EnumerateArray().Any(job => job.GetProperty("status").GetString() is not ("completed" or "cancelled")))
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellationToken); // what the loads before left
        var itemCount = most / JobCount;
        var before = Resident(cluster);
        var started = Stopwatch.GetTimestamp();
        var jobs = new List<string>();
        for (var number = 0; number < JobCount; number++)
            jobs.Add(await client.SubmitAsync($"crowd {number}", Enumerable.Range(0, itemCount).Select(item => $$"""{"prompt":"crowd {{item}}","guidance_scale":1}""").Prepend("{}"), cancellationToken));
        var readers = Enumerable.Range(0, readerCount).Select(number => ReadAsync(jobs[number % JobCount])).ToList();
        var during = 0.0;
        var all = Task.WhenAll(readers);
        while (await Task.WhenAny(all, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, cancellationToken)) != all) during = Math.Max(during, Resident(cluster));
        var seen = await all;
        var elapsed = Stopwatch.GetElapsedTime(started);
        var whole = seen.Count(reader => reader.Items == itemCount && !reader.HasRepeat);
        report.Line($"## {readerCount} streams of events at once");
        report.Line();
        report.Line($"{JobCount} jobs of {itemCount} pictures, each followed by {readerCount / JobCount} readers from the start to the end: {whole} of {readerCount} saw every item once and the end, in {Report.Figure(elapsed.TotalSeconds)} s; "
            + $"the last reader heard of the end {Report.Figure((seen.Max(reader => reader.EndedAt) - seen.Min(reader => reader.EndedAt)).TotalSeconds)} s after the first. "
            + $"{client.InterruptionCount} streams broke off. The gateway's memory went from {Report.Figure(before)} to {Report.Figure(during)} MiB.");
        report.Line();
        return whole == readerCount;

        async Task<(int Items, bool HasRepeat, TimeSpan EndedAt)> ReadAsync(string job)
        {
            var items = new HashSet<int>();
            var hasRepeat = false;
            await client.FollowAsync(job, happened =>
            {
                if (happened.Type != "item") return;
                using var data = JsonDocument.Parse(happened.Data);
                hasRepeat |= !items.Add(SeenOutcome.From(data.RootElement.GetProperty("outcome")).Index);
            }, cancellationToken);
            return (items.Count, hasRepeat, Stopwatch.GetElapsedTime(started));
        }
    }

    /// <summary>Of the gateway's process, in MiB.</summary>
    private static double Resident(ProcessCluster cluster)
    {
        var line = File.ReadLines($"/proc/{cluster.Gateways[0].Id}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }
}
