using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Emu3.Benchmarks.Processes;

/// <summary>Signals as Linux numbers them, sent to a process by its id.</summary>
internal static partial class UnixSignals
{
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;
    private const int NoSuchProcess = 3;

    /// <summary>False when the process is gone already.</summary>
    public static bool Send(int processId, int signal)
    {
        if (SendTo(processId, signal) == 0) return true;
        var error = Marshal.GetLastPInvokeError();
        return error == NoSuchProcess ? false : throw new Win32Exception(error, $"Signal {signal} can't be sent to process {processId}.");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendTo(int processId, int signal);
}
