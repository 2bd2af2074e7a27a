using Emu3.Cli.Batch;

namespace Emu3.Cli;

/// <summary>
/// Says what is waited for while no worker of a cluster has a model: a cluster that was scaled to nothing takes jobs, and starts workers because of them.
/// Ends when one is ready.
/// </summary>
internal sealed class WorkerWaitNotice : IAsyncDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_tellPeriod = TimeSpan.FromSeconds(30);

    private readonly GatewayClient _gateway;
    private readonly string _model;
    private readonly CliConsole _console;
    private readonly long _start;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _watching;
    private volatile string? _state;

    /// <summary>Says that there is none, and begins to watch.</summary>
    public WorkerWaitNotice(GatewayClient gateway, string model, CliConsole console)
    {
        (_gateway, _model, _console, _start) = (gateway, model, console, console.Time.GetTimestamp());
        _state = "no worker yet";
        console.Error.WriteLine($"No worker has {model} at the moment. Jobs for it are accepted, and wait for one.");
        _watching = WatchAsync(_stopping.Token);
    }

    /// <summary>What is waited for, in a few words; null once a worker is there.</summary>
    public string? Describe() => _state;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watching;
        _stopping.Dispose();
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            for (var (told, toldAt) = ((string?)null, _start); ; await Task.Delay(s_look, _console.Time, cancellationToken))
            {
                var workers = await _gateway.WorkersAsync(cancellationToken);
                WorkerInfo[] ours = [.. workers.Where(worker => string.Equals(worker.Model, _model, StringComparison.OrdinalIgnoreCase))];
                if (ours.FirstOrDefault(worker => worker.Status == "ready") is { } ready)
                {
                    _state = null;
                    _console.Error.WriteLine($"{ready.Device} has {_model} now, after {Waited}.");
                    return;
                }

                _state = Describe(ours);
                // Where a person watches, the line of the progress has it.
                if (!_console.IsLive && (told != _state || _console.Time.GetElapsedTime(toldAt) >= s_tellPeriod))
                {
                    _console.Error.WriteLine($"Waiting for {Waited}: {_state}.");
                    (told, toldAt) = (_state, _console.Time.GetTimestamp());
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The work is done or given up.
        }
        catch (Exception away) when (away is CommandException or GatewayRefusal)
        {
            // Whoever follows the job at the same gateway meets the same, and it is theirs to end for it.
            _state = $"whether a worker is there is not known: {away.Message}";
        }
    }

    private string Waited => BatchProgress.Duration(_console.Time.GetElapsedTime(_start));

    private static string Describe(WorkerInfo[] workers) =>
        workers.FirstOrDefault(worker => worker.Status == "loading") is { } loading ? $"{loading.Device} is loading it{Detail(loading)}"
        : workers.Length > 0 ? $"{workers[0].Device} is {workers[0].Status}{Detail(workers[0])}"
        : "no worker yet";

    private static string Detail(WorkerInfo worker) => worker.Detail is { } detail ? $" ({detail.TrimEnd('.')})" : "";
}
