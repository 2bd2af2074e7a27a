using System.Net;
using System.Net.Sockets;

namespace Emu3.Benchmarks.Processes;

/// <summary>
/// Ports that nobody has, below those that Linux gives to outgoing connections: a process that is started again finds its port free.
/// </summary>
internal static class FreePorts
{
    private const int First = 12_000;
    private const int End = 32_000; // the outgoing ones begin at 32,768
    private static int s_next = First + (Environment.ProcessId * 97 % (End - First));

    public static int Take()
    {
        for (var attempt = First; attempt < End; attempt++)
        {
            var port = First + (Interlocked.Increment(ref s_next) % (End - First));
            if (IsFree(port)) return port;
        }

        throw new InvalidOperationException($"No port from {First} to {End - 1} is free.");
    }

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
