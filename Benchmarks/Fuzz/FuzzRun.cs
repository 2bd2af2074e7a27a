using System.Diagnostics;
using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>Sends the requests of a plan to a gateway that is a process of its own, some at once, and judges every answer and what becomes of the process.</summary>
internal sealed class FuzzRun(FuzzOptions options, Action<string> tell) : IDisposable
{
    private static readonly TimeSpan s_tellEvery = TimeSpan.FromSeconds(10);
    private readonly FuzzVerdict _verdict = new();
    private readonly ViolationLog _violations = new(options, tell);
    private readonly SemaphoreSlim _starting = new(1, 1);
    private readonly List<MemoryWatch> _memory = [];
    private long _lastTold = Stopwatch.GetTimestamp();
    private long _slowestTicks;

    public async Task<FuzzResult> RunAsync(CancellationToken cancellationToken)
    {
        await using var cluster = await FuzzCluster.StartAsync(options.Folder, cancellationToken);
        _memory.AddRange([new(cluster.Gateway.Name), new(cluster.Processes.Workers[0].Name)]);
        var started = Stopwatch.GetTimestamp();
        if (options.Only is { } only) await RunOneAsync(cluster, only, cancellationToken);
        else
        {
            for (var first = 0; first < options.RequestCount; first += FuzzOptions.RoundLength)
                await RunRoundAsync(cluster, Enumerable.Range(first, Math.Min(FuzzOptions.RoundLength, options.RequestCount - first)), cancellationToken);
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        if (!await cluster.IsLiveAsync(cancellationToken)) _verdict.AddCrash(cluster.Gateway.Name);
        CountCrashes(cluster);
        CountFailuresInside(cluster.Gateway);
        // Silos keep what they were told of for a while; the gateway keeps nothing.
        _verdict.Growth = _memory[0].Growth();
        return new(_verdict, elapsed, TimeSpan.FromTicks(_slowestTicks), _memory);
    }

    public void Dispose() => _starting.Dispose();

    private async Task RunRoundAsync(FuzzCluster cluster, IEnumerable<int> numbers, CancellationToken cancellationToken)
    {
        var world = await cluster.MakeWorldAsync(cancellationToken);
        await Parallel.ForEachAsync(
            numbers, new ParallelOptions { MaxDegreeOfParallelism = options.ConnectionCount, CancellationToken = cancellationToken },
            async (number, token) => await SendAsync(cluster, FuzzPlan.Make(options.Seed, number, world), token));
        await cluster.ClearAsync(cancellationToken);
        _memory[0].Add(await cluster.MeasureAsync(cluster.Gateway, cancellationToken));
        _memory[1].Add(await cluster.MeasureAsync(cluster.Processes.Workers[0], cancellationToken));
    }

    private async Task RunOneAsync(FuzzCluster cluster, int number, CancellationToken cancellationToken)
    {
        var request = FuzzPlan.Make(options.Seed, number, await cluster.MakeWorldAsync(cancellationToken));
        tell(ViolationLog.Tell(request, await SendAsync(cluster, request, cancellationToken)));
    }

    private async Task<FuzzAnswer> SendAsync(FuzzCluster cluster, FuzzRequest request, CancellationToken cancellationToken)
    {
        var answer = await Exchange.RunAsync(cluster.Address, request, options.Deadline);
        var outcome = AnswerCheck.Judge(request, answer);
        _verdict.Add(request, outcome);
        if (request.End != SendEnd.Hold && answer.Elapsed.Ticks > Interlocked.Read(ref _slowestTicks)) Interlocked.Exchange(ref _slowestTicks, answer.Elapsed.Ticks);
        if (FuzzVerdict.IsViolation(outcome)) _violations.Add(request, answer, outcome);
        if (!cluster.Gateway.IsRunning) await StartAgainAsync(cluster, cancellationToken);
        TellSometimes();
        return answer;
    }

    /// <summary>The gateway died: that is counted, and the run goes on.</summary>
    private async Task StartAgainAsync(FuzzCluster cluster, CancellationToken cancellationToken)
    {
        await _starting.WaitAsync(cancellationToken);
        try
        {
            if (cluster.Gateway.IsRunning) return;
            _verdict.AddCrash(cluster.Gateway.Name);
            tell($"The gateway ended with {cluster.Gateway.ExitCode}:{Environment.NewLine}{cluster.Processes.TellLogs()}");
            cluster.Gateway.Start();
            await cluster.Processes.ReadyAsync(1, cancellationToken);
        }
        finally
        {
            _starting.Release();
        }
    }

    private void CountCrashes(FuzzCluster cluster)
    {
        foreach (var process in cluster.Processes.All.Where(process => !process.IsRunning))
        {
            _verdict.AddCrash(process.Name);
            tell($"{process.Name} ended with {process.ExitCode}");
        }
    }

    /// <summary>What the gateway calls an error in its log: the requests that were cut may have had one that nobody was told.</summary>
    private void CountFailuresInside(ClusterProcess gateway)
    {
        var failures = gateway.ReadLog().Split('\n').Where(line => line.Contains(" fail: ", StringComparison.Ordinal) || line.Contains(" crit: ", StringComparison.Ordinal)).ToList();
        _verdict.AddInside(failures.Count);
        foreach (var line in failures.Take(10)) tell(line.Length <= 2_000 ? line : line[..2_000]);
    }

    private void TellSometimes()
    {
        var last = Interlocked.Read(ref _lastTold);
        if (Stopwatch.GetElapsedTime(last) < s_tellEvery || Interlocked.CompareExchange(ref _lastTold, Stopwatch.GetTimestamp(), last) != last) return;
        var memory = _memory[0].Readings is [.., var reading] ? $"; gateway {reading.ResidentBytes >> 20} MiB resident, {reading.HeapBytes >> 20} MiB heap" : "";
        tell($"{_verdict}{memory}");
    }
}

/// <summary>What came of a run.</summary>
/// <param name="Verdict">The counts.</param>
/// <param name="Elapsed">Without the start of the cluster.</param>
/// <param name="Slowest">The longest that a request took, of those that the client did not hold itself.</param>
/// <param name="Memory">The gateway's, the worker's, at the end of each round.</param>
internal sealed record FuzzResult(FuzzVerdict Verdict, TimeSpan Elapsed, TimeSpan Slowest, IReadOnlyList<MemoryWatch> Memory);
