namespace Emu3.Cli.Devices;

/// <summary>Starts a child process for one device.</summary>
/// <param name="index">Which of the list.</param>
/// <param name="onReport">Gets what the child tells of itself.</param>
/// <param name="onLine">Gets the lines of its log.</param>
internal delegate IChild StartChild(int index, Action<ChildReport> onReport, Action<string> onLine);

/// <summary>
/// Keeps one worker silo a device running, each in a process of its own: one that ends is started again (<see cref="RestartPolicy"/>), and the cluster is
/// told at once that its silo is gone. The work goes on with the others meanwhile.
/// </summary>
/// <param name="devices">Which.</param>
/// <param name="start">Starts a child.</param>
/// <param name="policy">When again.</param>
/// <param name="declareDead">Tells the cluster that a silo is gone for good.</param>
/// <param name="tell">Tells the person who started this what they should know.</param>
/// <param name="time">Clock of the waits.</param>
/// <param name="logger">Gets the children's logs as well.</param>
internal sealed partial class DeviceSupervisor(
    DeviceList devices, StartChild start, RestartPolicy policy, Func<string, Task> declareDead, Action<string> tell, TimeProvider time, ILogger<DeviceSupervisor> logger)
    : ILocalDevices
{
    private static readonly TimeSpan s_drainPatience = TimeSpan.FromSeconds(45);

    private readonly Lock _lock = new();
    private readonly DeviceStatus[] _standings = [.. devices.Names.Select(name => new DeviceStatus(name, DeviceState.Loading))];
    private readonly IChild?[] _children = new IChild?[devices.Count];
    private readonly string?[] _silos = new string?[devices.Count];
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _ended = new();
    private Task[] _supervised = [];
    private bool _isDisposed;

    public CancellationToken Ended => _ended.Token;

    public string EndReason => string.Join(Environment.NewLine, Statuses.Where(device => device.State == DeviceState.GivenUp)
        .GroupBy(device => device.Detail).Select(same => $"{string.Join(", ", same.Select(device => device.Name))} can't be used: {same.Key}"));

    /// <summary>Where each device stands.</summary>
    public IReadOnlyList<DeviceStatus> Statuses
    {
        get
        {
            lock (_lock)
            {
                return [.. _standings];
            }
        }
    }

    public string Describe() => DeviceStatus.Describe(Statuses);

    /// <summary>Starts all children.</summary>
    public void Start() => _supervised = [.. Enumerable.Range(0, devices.Count).Select(index => Task.Run(() => SuperviseAsync(index)))];

    /// <summary>
    /// The cluster takes a silo for dead. If its process still runs, it is frozen or cut off: it is ended, so that another can take its device.
    /// </summary>
    public void SiloIsDead(string silo)
    {
        IChild? child;
        lock (_lock)
        {
            child = Array.IndexOf(_silos, silo) is >= 0 and var index ? _children[index] : null;
        }

        if (child is not null && !_stopping.IsCancellationRequested)
        {
            child.Kill();
        }
    }

    /// <summary>Drains all children at once, and ends those that take too long. May be repeated.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await _stopping.CancelAsync();
        EachChild(child => child.Drain());
        var all = Task.WhenAll(_supervised);
        try
        {
            await all.WaitAsync(s_drainPatience, time);
        }
        catch (TimeoutException)
        {
            EachChild(child => child.Kill());
            await all;
        }

    }

    private async Task SuperviseAsync(int index)
    {
        var history = ChildHistory.None;
        while (!_stopping.IsCancellationRequested)
        {
            var (end, reason) = await RunChildAsync(index);
            if (_stopping.IsCancellationRequested)
            {
                return;
            }

            (history, var verdict) = policy.After(history, end);
            if (verdict is Verdict.Restart restart)
            {
                LogRestarting(devices.Names[index], reason, restart.After.TotalSeconds);
                Set(index, DeviceState.Restarting, reason);
                await Task.Delay(restart.After, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            else if (verdict is Verdict.GiveUp given)
            {
                await GiveUpAsync(index, given.Reason);
                return;
            }
        }
    }

    /// <summary>One life of a child.</summary>
    private async Task<(ChildEnd End, string Reason)> RunChildAsync(int index)
    {
        var (silo, readyAt, failure) = ((string?)null, (long?)null, (string?)null);
        Set(index, DeviceState.Loading, null);
        lock (_lock)
        {
            _silos[index] = null; // of the life before
        }

        IChild child;
        try
        {
            child = start(index, Take, line => LogChild(devices.Names[index], line));
        }
        catch (Exception refused) when (refused is System.ComponentModel.Win32Exception or IOException)
        {
            return (new(null, refused.Message), refused.Message);
        }

        LogStarted(devices.Names[index], child.ProcessId);
        lock (_lock)
        {
            _children[index] = child;
        }

        if (_stopping.IsCancellationRequested)
        {
            child.Drain(); // it was not among those that were told
        }

        var exit = await child.Ended;
        lock (_lock)
        {
            _children[index] = null;
        }

        if (silo is not null && !_stopping.IsCancellationRequested)
        {
            await DeclareDeadAsync(silo);
        }

        var loadFailure = readyAt is not null ? null : failure ?? (exit.IsFromOutside ? null : exit.ToString());
        return (new(readyAt is { } at ? time.GetElapsedTime(at) : null, loadFailure), failure ?? exit.ToString());

        // Reports come one after the other, and all of them before the child has ended.
        void Take(ChildReport report)
        {
            silo = report.Silo ?? silo;
            lock (_lock)
            {
                _silos[index] = silo;
            }

            switch (report.State)
            {
                case ChildState.Ready:
                    readyAt ??= time.GetTimestamp();
                    LogReady(devices.Names[index]);
                    Set(index, DeviceState.Up, null);
                    break;
                case ChildState.Failed:
                    failure = report.Detail ?? "failed without a reason";
                    break;
                default:
                    Set(index, DeviceState.Loading, report.Detail);
                    break;
            }
        }
    }

    private async Task DeclareDeadAsync(string silo)
    {
        try
        {
            await declareDead(silo);
        }
        catch (Exception failure)
        {
            // The others find out by themselves, a few seconds later.
            LogNotDeclared(failure, silo);
        }
    }

    private async Task GiveUpAsync(int index, string reason)
    {
        LogGivenUp(devices.Names[index], policy.MaxSameFailures, reason);
        tell($"{devices.Names[index]} is given up, its model could not be loaded {policy.MaxSameFailures} times: {reason}");
        Set(index, DeviceState.GivenUp, reason);
        if (Statuses.All(device => device.State == DeviceState.GivenUp))
        {
            await _ended.CancelAsync();
        }
    }

    private void Set(int index, DeviceState state, string? detail)
    {
        lock (_lock)
        {
            _standings[index] = _standings[index] with { State = state, Detail = detail };
        }
    }

    private void EachChild(Action<IChild> act)
    {
        IChild[] children;
        lock (_lock)
        {
            children = [.. _children.OfType<IChild>()];
        }

        foreach (var child in children)
        {
            act(child);
        }
    }
}
