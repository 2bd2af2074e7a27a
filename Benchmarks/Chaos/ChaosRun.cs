using System.Diagnostics;
using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Chaos;

/// <summary>
/// Runs jobs on a cluster of real processes while a plan of faults is carried out on it, goes on until all faults were injected and all items ended, and
/// then looks whether anything was lost, came twice, came out different, or was blamed for what it did not do.
/// </summary>
internal sealed class ChaosRun(ChaosOptions options, Action<string> tell)
{
    /// <summary>Nothing ends for so long when all faults are over: it never will.</summary>
    private static readonly TimeSpan s_stuck = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan s_tellEvery = TimeSpan.FromSeconds(10);
    private const int Recipes = 64;

    private readonly RecoveryTimes _recovery = new(TimeProvider.System);
    private readonly Dictionary<FaultKind, int> _injected = [];
    private long _lastEnd = Stopwatch.GetTimestamp();

    public async Task<ChaosResult> RunAsync(CancellationToken cancellationToken)
    {
        await using var cluster = await ChaosCluster.StartAsync(options, cancellationToken);
        using var client = new JobClient(cluster.Processes.GatewayAddresses);
        foreach (var (kind, reason) in cluster.Skipped) tell($"not injected here: {kind} ({reason})");
        var work = new PictureJob(Math.Min(Recipes, options.ItemCount));
        var undisturbed = await work.RunUndisturbedAsync(client, cancellationToken);
        tell($"undisturbed run of {undisturbed.Count} recipes done; {options.FaultCount} faults, seed {options.Seed}");

        var started = Stopwatch.GetTimestamp();
        using var stream = new JobStream(client, work, Math.Clamp(options.ItemCount / 20, 20, 500), Ended);
        var isStuck = false;
        await using (new Supervisor(cluster.Processes))
        {
            var faults = InjectAsync(cluster, stream, started, cancellationToken);
            using var givingUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var jobs = stream.RunAsync(options.ItemCount, faults, givingUp.Token);
            await await Task.WhenAny(faults, jobs);
            await faults;
            await cluster.Injector.CalmAsync();
            Volatile.Write(ref _lastEnd, Stopwatch.GetTimestamp());
            isStuck = !await EndsAsync(jobs, cancellationToken);
            if (isStuck) tell(await StuckItems.TellAsync(cluster.Processes, stream.Jobs, cancellationToken));
            await givingUp.CancelAsync();
            await jobs.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        var verdict = new Verdict();
        foreach (var job in stream.Jobs)
        {
            var judged = isStuck ? job.Ledger.Judge(item => undisturbed[work.RecipeOf(job.First + item)]) : await new Audit(client, work, undisturbed).JudgeAsync(job, cancellationToken);
            if (!judged.IsClean) tell($"job {job.Id}: {judged}");
            verdict += judged;
        }

        return new()
        {
            Verdict = verdict,
            Injected = _injected,
            Skipped = cluster.Skipped,
            Elapsed = elapsed,
            ItemCount = stream.Jobs.Sum(job => job.Count),
            JobCount = stream.Jobs.Count,
            InterruptionCount = client.InterruptionCount,
            StartCount = cluster.Processes.All.Sum(process => process.StartCount),
            Recovery = _recovery.Rows(),
        };
    }

    private async Task InjectAsync(ChaosCluster cluster, JobStream stream, long started, CancellationToken cancellationToken)
    {
        var (number, toldAt) = (0, TimeSpan.Zero);
        foreach (var fault in FaultPlan.Draw(options.Seed, options.FaultCount, cluster.Shape(options.MeanGap)))
        {
            await Task.Delay(fault.Gap, TimeProvider.System, cancellationToken);
            await cluster.Injector.InjectAsync(fault, cancellationToken);
            _recovery.Begin(fault.Kind);
            _injected[fault.Kind] = _injected.GetValueOrDefault(fault.Kind) + 1;
            number++;
            var at = Stopwatch.GetElapsedTime(started);
            await File.AppendAllTextAsync(
                Path.Combine(options.Folder, "faults.log"), $"{TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {number} {fault.Kind} {fault.Target} {fault.Duration.TotalSeconds:0.0} s{Environment.NewLine}", cancellationToken);
            if (at - toldAt < s_tellEvery) continue;
            toldAt = at;
            tell($"{at.TotalSeconds,5:0} s: {number} faults, {stream.EndedCount} items, last end {Stopwatch.GetElapsedTime(Volatile.Read(ref _lastEnd)).TotalSeconds:0.0} s ago");
        }
    }

    /// <summary>False when nothing ended for too long.</summary>
    private async Task<bool> EndsAsync(Task jobs, CancellationToken cancellationToken)
    {
        while (await Task.WhenAny(jobs, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, cancellationToken)) != jobs)
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref _lastEnd)) > s_stuck) return false;
        await jobs;
        return true;
    }

    private void Ended()
    {
        Volatile.Write(ref _lastEnd, Stopwatch.GetTimestamp());
        _recovery.Progressed();
    }
}

/// <summary>What came of a run.</summary>
internal sealed record ChaosResult
{
    public required Verdict Verdict { get; init; }

    /// <summary>Faults by kind.</summary>
    public required IReadOnlyDictionary<FaultKind, int> Injected { get; init; }

    /// <summary>Kinds that can't be injected here, with the reason.</summary>
    public required IReadOnlyDictionary<FaultKind, string> Skipped { get; init; }
    public required TimeSpan Elapsed { get; init; }
    public required int ItemCount { get; init; }
    public required int JobCount { get; init; }

    /// <summary>Calls and streams of the client that broke off and were taken up again.</summary>
    public required int InterruptionCount { get; init; }

    /// <summary>Starts of processes.</summary>
    public required int StartCount { get; init; }

    /// <summary>See <see cref="RecoveryTimes.Rows"/>.</summary>
    public required IReadOnlyList<string[]> Recovery { get; init; }
}
