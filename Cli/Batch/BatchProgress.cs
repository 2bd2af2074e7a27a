using System.Globalization;
using Spectre.Console;

namespace Emu3.Cli.Batch;

/// <summary>How a batch stands, shown while it runs: a bar where a person watches, a line now and then where not. Any thread.</summary>
internal sealed class BatchProgress(CliConsole console, int total, int doneBefore, int failedBefore)
{
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_lineInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Queue<(long At, int Done)> _recent = new([(console.Time.GetTimestamp(), doneBefore)]);
    private readonly Dictionary<string, int> _resumedInside = [];
    private readonly long _start = console.Time.GetTimestamp();
    private int _done = doneBefore;
    private int _failed = failedBefore;
    private long? _lastLine;
    private bool _isPaused;

    /// <summary>What is to be said of the devices; null for nothing.</summary>
    public Func<string?> DescribeDevices { get; init; } = () => null;

    /// <summary>Outputs made in this run.</summary>
    public int MadeCount { get; private set; }

    /// <summary>Positions that they took.</summary>
    public long MadePositions { get; private set; }

    public TimeSpan Elapsed => console.Time.GetElapsedTime(_start);

    /// <summary>Outputs that went on inside, from tokens that an earlier process had generated.</summary>
    public int ResumedInsideCount
    {
        get
        {
            lock (_lock)
            {
                return _resumedInside.Values.Sum();
            }
        }
    }

    /// <summary>Takes what a job says of itself.</summary>
    public void Tell(JobInfo job)
    {
        lock (_lock)
        {
            _resumedInside[job.Id] = job.ResumedInside;
            _isPaused = job.IsPaused;
        }
    }

    /// <summary>Counts outputs that ended, and the positions of those that were made.</summary>
    public void Add(int done, int failed, long positions)
    {
        lock (_lock)
        {
            _done += done;
            MadeCount += done;
            MadePositions += positions;
            _failed += failed;
            var now = console.Time.GetTimestamp();
            _recent.Enqueue((now, _done));
            while (_recent.Count > 2 && console.Time.GetElapsedTime(_recent.Peek().At, now) > s_window)
            {
                _recent.Dequeue();
            }

            if (!console.IsLive && (_lastLine is null || console.Time.GetElapsedTime(_lastLine.Value, now) >= s_lineInterval))
            {
                _lastLine = now;
                console.Out.WriteLine(Describe());
            }
        }
    }

    /// <summary>Runs the work under a bar.</summary>
    public async Task ShowAsync(Func<Task> work)
    {
        if (!console.IsLive)
        {
            await work();
            return;
        }

        await console.Ansi.Progress().AutoClear(true).Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn()).StartAsync(async context =>
        {
            var bar = context.AddTask(Describe(), maxValue: Math.Max(1, total));
            var running = work();
            while (!running.IsCompleted)
            {
                bar.Value = _done + _failed;
                bar.Description = Markup.Escape(Describe());
                await Task.WhenAny(running, Task.Delay(TimeSpan.FromMilliseconds(200), console.Time));
            }

            await running;
        });
    }

    /// <summary>One line: done, failed, images a second over the last half minute, time left at that rate; the devices.</summary>
    public string Describe()
    {
        lock (_lock)
        {
            var (at, done) = _recent.Peek();
            var seconds = console.Time.GetElapsedTime(at).TotalSeconds;
            var rate = seconds > 0 ? (_done - done) / seconds : 0;
            var left = total - _done - _failed;
            var eta = left == 0 || rate <= 0 ? "" : $", {Duration(TimeSpan.FromSeconds(left / rate))} left";
            var devices = DescribeDevices() is { } said ? $"; {said}" : "";
            return string.Create(CultureInfo.InvariantCulture, $"{_done}/{total} done, {_failed} failed{(rate > 0 ? Rate(rate) : "")}{eta}{(_isPaused ? ", paused" : "")}{devices}");
        }
    }

    /// <summary>A time as people say it: <c>8 s</c>, <c>3 min 20 s</c>, <c>2 h 5 min</c>.</summary>
    public static string Duration(TimeSpan time) => time switch
    {
        { TotalSeconds: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalSeconds):0} s"),
        { TotalMinutes: < 60 } => string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes} min"),
    };

    private static string Rate(double rate) => string.Create(CultureInfo.InvariantCulture, $", {rate:0.##} images/s");
}
