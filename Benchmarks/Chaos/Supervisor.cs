using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Chaos;

/// <summary>Starts every process of a cluster again a moment after it ended, as whoever runs a cluster does.</summary>
internal sealed class Supervisor : IAsyncDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _watches;

    public Supervisor(ProcessCluster cluster) => _watches = Task.WhenAll(cluster.All.Select(process => Task.Run(() => WatchAsync(process))));

    /// <summary>From here on what ends stays so.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watches.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task WatchAsync(ClusterProcess process)
    {
        while (true)
        {
            await process.Ended.WaitAsync(_stopping.Token);
            await Task.Delay(s_pause, TimeProvider.System, _stopping.Token);
            process.Start();
        }
    }
}
