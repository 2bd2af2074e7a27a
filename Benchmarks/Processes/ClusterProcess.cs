using System.Diagnostics;

namespace Emu3.Benchmarks.Processes;

/// <summary>
/// A silo or a gateway as a process of its own, which can be killed, frozen, told to end, and started again in the same place. May be used from
/// several threads.
/// </summary>
internal sealed class ClusterProcess : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly IReadOnlyList<string> _launcher;
    private IReadOnlyList<string> _command;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private Process? _process;
    private int? _exitCode;
    private long _logStart;
    private bool _isDisposed;

    /// <param name="name">As <c>worker-1</c>.</param>
    /// <param name="command">What starts it; the last part is the path of the program.</param>
    /// <param name="environment">Variables beside those of this process.</param>
    /// <param name="log">File for its output, of all its lives.</param>
    /// <param name="launcher">See <see cref="ProcessStarter.Start"/>.</param>
    public ClusterProcess(
        string name, IReadOnlyList<string> command, IReadOnlyDictionary<string, string> environment, string log, IReadOnlyList<string>? launcher = null) =>
        (Name, _command, _environment, LogFile, _launcher) = (name, command, environment, log, launcher ?? []);

    public string Name { get; }
    public string LogFile { get; }

    /// <summary>Port for other silos, by which a silo is known; 0 for a gateway.</summary>
    public int SiloPort { get; init; }

    /// <summary>Number of the running process.</summary>
    /// <exception cref="InvalidOperationException">It does not run.</exception>
    public int Id
    {
        get
        {
            lock (_lock) return _process is { HasExited: false } running ? running.Id : throw new InvalidOperationException($"{Name} does not run.");
        }
    }

    /// <summary>How often it was started.</summary>
    public int StartCount { get; private set; }

    /// <summary>Of the life that runs; null when none does.</summary>
    public int? ProcessId
    {
        get
        {
            lock (_lock) return _process is { HasExited: false } running ? running.Id : null;
        }
    }

    /// <summary>Frozen counts as running.</summary>
    public bool IsRunning
    {
        get
        {
            lock (_lock) return _process is { HasExited: false };
        }
    }

    public bool IsFrozen { get; private set; }

    /// <summary>Completes when the present life ends; at once when there is none.</summary>
    public Task Ended
    {
        get
        {
            lock (_lock) return _process?.WaitForExitAsync() ?? Task.CompletedTask;
        }
    }

    /// <summary>Of the last life that ended, also when it was started again; a signal counts as 128 and its number. Null when none has ended.</summary>
    public int? ExitCode
    {
        get
        {
            lock (_lock) return _process is { HasExited: true } ended ? ended.ExitCode : _exitCode;
        }
    }

    /// <summary>From its next start on it runs the program of the same name in another folder.</summary>
    /// <param name="folder">Where another build of the programs is.</param>
    public void RunFrom(string folder)
    {
        lock (_lock) _command = [.. _command.SkipLast(1), Path.Combine(folder, Path.GetFileName(_command[^1]))];
    }

    /// <summary>Nothing happens when it runs.</summary>
    public void Start()
    {
        lock (_lock)
        {
            if (_isDisposed || _process is { HasExited: false }) return;
            _exitCode = _process?.ExitCode;
            _process?.Dispose();
            _logStart = File.Exists(LogFile) ? new FileInfo(LogFile).Length : 0;
            _process = ProcessStarter.Start(_launcher, _command, _environment, LogFile);
            IsFrozen = false;
            StartCount++;
        }
    }

    /// <summary>SIGKILL: it gets no chance to tidy up. Returns when it is gone.</summary>
    public Task KillAsync()
    {
        Send(UnixSignals.Kill);
        return Ended;
    }

    /// <summary>SIGTERM: it drains and ends; await <see cref="Ended"/> for that. False when it does not run.</summary>
    public bool Terminate() => Send(UnixSignals.Terminate);

    /// <summary>SIGSTOP: it stands still, its connections stay. False when it does not run.</summary>
    public bool Freeze() => IsFrozen = Send(UnixSignals.Stop);

    /// <summary>SIGCONT: it goes on as if no time had passed.</summary>
    public void Thaw()
    {
        IsFrozen = false;
        Send(UnixSignals.Continue);
    }

    /// <summary>Kills it where it runs, and starts it again.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        Start();
    }

    /// <summary>All that it has written so far.</summary>
    public string ReadLog() => ReadLog(0);

    /// <summary>What it has written since it was started last.</summary>
    public string ReadLogOfThisLife() => ReadLog(_logStart);

    public async ValueTask DisposeAsync()
    {
        lock (_lock) _isDisposed = true;
        await KillAsync();
        lock (_lock)
        {
            _process?.Dispose();
            _process = null;
        }
    }

    private string ReadLog(long from)
    {
        if (!File.Exists(LogFile)) return "";
        var file = new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = from;
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }

    private bool Send(int signal)
    {
        lock (_lock) return _process is { HasExited: false } running && UnixSignals.Send(running.Id, signal);
    }
}
