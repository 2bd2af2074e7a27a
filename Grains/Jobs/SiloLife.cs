namespace Emu3.Grains.Jobs;

/// <summary>
/// Ends the long calls of a silo that is going down. A call that runs on keeps its grain, and so the silo, from stopping
/// until the host's patience ends: every iterator and every long wait links this token.
/// </summary>
public sealed class SiloLife : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Cancelled when the silo has drained and is about to leave the cluster.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public void Stop() => _stopping.Cancel();

    public void Dispose() => _stopping.Dispose();
}
