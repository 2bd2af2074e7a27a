namespace Emu3.Silo;

/// <summary>How far the engines of this silo are. Readers may come at any time, from any thread.</summary>
public sealed class EngineStatus(SiloSettings settings)
{
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waitingFor = settings.Engines.Count;

    /// <summary>Completes when every engine is loaded and takes work; fails with the reason when one can't be.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Why an engine could not be loaded, or has ended under its work; null while all is well.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>What the process of this silo exits with: whoever supervises it learns so that an engine has failed.</summary>
    public int ExitCode => Failure is null ? 0 : 1;

    /// <summary>What is being done now, for a person who waits.</summary>
    public string Progress { get; private set; } = settings.Engines.Count == 0 ? "no engine on this silo" : "starting";

    internal void Tell(string progress) => Progress = progress;

    internal void EngineReady()
    {
        if (Interlocked.Decrement(ref _waitingFor) > 0 || Failure is not null) return;
        Progress = "ready";
        _ready.TrySetResult();
    }

    internal void EngineFailed(Exception failure)
    {
        Failure ??= failure;
        Progress = failure.Message;
        _ready.TrySetException(failure);
        _ = _ready.Task.Exception; // seen here; whoever waits sees it too
    }
}
