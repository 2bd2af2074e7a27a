namespace Emu3.Silo;

/// <summary>How far the engines of this silo are. Readers may come at any time, from any thread.</summary>
public sealed class EngineStatus(SiloSettings settings)
{
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waitingFor = settings.Engines.Count;

    /// <summary>Completes when every engine is loaded and takes work; fails with the reason when one can't be.</summary>
    public Task Ready => _ready.Task;

    /// <summary>What is being done now, for a person who waits.</summary>
    public string Progress { get; private set; } = settings.Engines.Count == 0 ? "no engine on this silo" : "starting";

    internal void Tell(string progress) => Progress = progress;

    internal void EngineReady()
    {
        if (Interlocked.Decrement(ref _waitingFor) > 0) return;
        Progress = "ready";
        _ready.TrySetResult();
    }

    internal void EngineFailed(Exception failure)
    {
        Progress = failure.Message;
        _ready.TrySetException(failure);
        _ = _ready.Task.Exception; // seen here; whoever waits sees it too
    }
}
