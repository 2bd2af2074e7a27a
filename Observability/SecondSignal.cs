using System.Runtime.InteropServices;

namespace Emu3.Observability;

/// <summary>
/// Ends the process at once when it is told to end a second time (SIGTERM, Ctrl-C). The first time is the host's: it stops in good order, which may take
/// as long as its stop timeout.
/// </summary>
public sealed class SecondSignal : IDisposable
{
    private const int Interrupted = 130; // what shells give for Ctrl-C

    private readonly PosixSignalRegistration[] _signals;
    private int _count;

    private SecondSignal() => _signals = [PosixSignalRegistration.Create(PosixSignal.SIGTERM, Count), PosixSignalRegistration.Create(PosixSignal.SIGINT, Count)];

    /// <summary>Begins to count signals.</summary>
    public static SecondSignal EndsTheProcess() => new();

    public void Dispose()
    {
        foreach (var signal in _signals) signal.Dispose();
    }

    private void Count(PosixSignalContext signal)
    {
        if (Interlocked.Increment(ref _count) > 1) Environment.Exit(Interrupted);
    }
}
