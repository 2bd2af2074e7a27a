using System.Collections.Concurrent;
using System.Diagnostics;
using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Load;

/// <summary>Callers who come at their own times, whatever became of those before them: the load that a server can't slow down by being slow.</summary>
internal static class OpenLoop
{
    private const double ShareOfJobs = 0.1;
    private static readonly double[] s_loads = [0.5, 0.9, 1.5];

    /// <returns>Whether all was as it should be: answers and refusals, and nothing accepted that did not end.</returns>
    public static async Task<bool> MeasureAsync(Report report, Caller caller, JobClient client, TimeSpan length, int seed, CancellationToken cancellationToken)
    {
        var capacity = await CapacityAsync(caller, client, cancellationToken);
        report.Line($"* capacity, by a job that leaves no worker without work: {Report.Figure(capacity)} pictures a second");
        report.Line();
        report.Line($"## Arrivals for {length.TotalSeconds:0} s");
        var rows = new List<string[]>();
        var problems = new List<string>();
        foreach (var load in s_loads)
        {
            var phase = await RunAsync(caller, client, load * capacity, length, seed, cancellationToken);
            rows.Add(phase.Row(load));
            problems.AddRange(phase.Problems);
        }

        report.Table(["of capacity", "asked", "at once", "after waiting", "given up", "lost", "median, s", "95th percentile, s", "99th percentile, s", "refused within, 99th percentile, ms"], rows);
        foreach (var problem in problems.Take(10)) report.Line($"* {problem}");
        return problems.Count == 0;
    }

    /// <summary>Pictures a second of a job that leaves no worker without work, its first tenth left out.</summary>
    private static async Task<double> CapacityAsync(Caller caller, JobClient client, CancellationToken cancellationToken)
    {
        const int most = 300;
        var job = (await caller.SubmitAsync(most, "capacity", cancellationToken)).Told ?? throw new InvalidOperationException("The first job was not accepted.");
        var (count, started) = (0, 0L);
        await client.FollowAsync(job, seen =>
        {
            if (seen.Type == "item" && ++count == most / 10) started = Stopwatch.GetTimestamp();
        }, cancellationToken);
        return (most - (most / 10)) / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task<Phase> RunAsync(Caller caller, JobClient client, double picturesPerSecond, TimeSpan length, int seed, CancellationToken cancellationToken)
    {
        var random = new Random(seed);
        var phase = new Phase();
        var callers = new List<Task>();
        var arrivalsPerSecond = picturesPerSecond / (1 + (ShareOfJobs * (Caller.ItemsOfJob - 1)));
        var started = Stopwatch.GetTimestamp();
        for (var next = 0.0; next < length.TotalSeconds; next += -Math.Log(1 - random.NextDouble()) / arrivalsPerSecond)
        {
            var wait = TimeSpan.FromSeconds(next) - Stopwatch.GetElapsedTime(started);
            if (wait > TimeSpan.Zero) await Task.Delay(wait, TimeProvider.System, cancellationToken);
            callers.Add(random.NextDouble() < ShareOfJobs ? SubmitAsync(callers.Count) : DrawAsync(callers.Count));
        }

        await Task.WhenAll(callers);
        foreach (var job in phase.Jobs) await FollowAsync(job);
        return phase;

        async Task DrawAsync(int number) => phase.Take(await Caller.RetryAsync(() => caller.DrawAsync(number, cancellationToken), cancellationToken), isJob: false);

        async Task SubmitAsync(int number) =>
            phase.Take(await Caller.RetryAsync(() => caller.SubmitAsync(Caller.ItemsOfJob, $"load {number}", cancellationToken), cancellationToken), isJob: true);

        async Task FollowAsync(string job)
        {
            await client.FollowAsync(job, _ => { }, cancellationToken);
            var done = (await client.ReadResultsAsync(job, cancellationToken).ToListAsync(cancellationToken)).Count(outcome => outcome.Status == "done");
            if (done != Caller.ItemsOfJob) phase.Problems.Add($"job {job} was accepted, and {done} of its {Caller.ItemsOfJob} items are done");
        }
    }

    /// <summary>What became of all callers of one load.</summary>
    private sealed class Phase
    {
        private readonly ConcurrentBag<TimeSpan> _waits = [];
        private readonly ConcurrentBag<TimeSpan> _refusals = [];
        private int _asked;
        private int _atOnce;
        private int _afterWaiting;
        private int _givenUp;

        public ConcurrentBag<string> Jobs { get; } = [];
        public ConcurrentBag<string> Problems { get; } = [];

        public void Take((Answer Last, IReadOnlyList<Answer> Refusals) end, bool isJob)
        {
            Interlocked.Increment(ref _asked);
            foreach (var refusal in end.Refusals) _refusals.Add(refusal.Elapsed);
            if (end.Last.Problem is { } problem) Problems.Add(problem);
            if (end.Last.RetryAfter is not null)
            {
                _refusals.Add(end.Last.Elapsed);
                Interlocked.Increment(ref _givenUp);
            }

            if (end.Last.Told is not { } told) return;
            Interlocked.Increment(ref end.Refusals.Count == 0 ? ref _atOnce : ref _afterWaiting);
            if (isJob) Jobs.Add(told);
            else _waits.Add(end.Last.Elapsed);
        }

        public string[] Row(double load)
        {
            var waits = _waits.Order().ToArray();
            var refusals = _refusals.Order().ToArray();
            return
            [
                $"{load:0.0}", $"{_asked}", $"{_atOnce}", $"{_afterWaiting}", $"{_givenUp}", $"{Problems.Count}", At(waits, 0.5), At(waits, 0.95), At(waits, 0.99),
                refusals.Length == 0 ? "" : Report.Figure(refusals[(int)((refusals.Length - 1) * 0.99)].TotalMilliseconds),
            ];
        }

        private static string At(TimeSpan[] sorted, double part) => Report.Figure(sorted[(int)((sorted.Length - 1) * part)].TotalSeconds);
    }
}
