using System.Diagnostics;

namespace Emu3.Benchmarks.Scale;

/// <summary>Asks one address again and again, a moment after each answer, and keeps how long answers took.</summary>
internal sealed class LatencyProbe : IAsyncDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);
    private readonly HttpClient _http = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<double> _milliseconds = [];
    private readonly Task _asking;

    public LatencyProbe(string name, Uri address)
    {
        Name = name;
        _asking = Task.Run(() => AskAsync(address));
    }

    public string Name { get; }

    /// <summary>Stops asking; a row of a table: name, answers, median, 95th and 99th percentile, worst.</summary>
    public async Task<string[]> RowAsync()
    {
        await _stopping.CancelAsync();
        await _asking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_asking.Exception is { } failure) throw failure;
        var sorted = _milliseconds.Order().ToArray();
        return [Name, $"{sorted.Length}", At(0.5), At(0.95), At(0.99), At(1)];

        string At(double part) => Report.Figure(sorted[(int)((sorted.Length - 1) * part)]);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _asking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
        _http.Dispose();
    }

    private async Task AskAsync(Uri address)
    {
        while (true)
        {
            var started = Stopwatch.GetTimestamp();
            using var answer = await _http.GetAsync(address, _stopping.Token);
            await answer.Content.ReadAsByteArrayAsync(_stopping.Token);
            answer.EnsureSuccessStatusCode();
            _milliseconds.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            await Task.Delay(s_pause, TimeProvider.System, _stopping.Token);
        }
    }
}
