using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Emu3.Benchmarks.Fuzz;

/// <summary>One request on a connection of its own, byte for byte.</summary>
internal static class Exchange
{
    /// <summary>So much of a stream of events is read before the client leaves.</summary>
    private static readonly TimeSpan s_streamPatience = TimeSpan.FromMilliseconds(400);

    /// <summary>Sends it and reads what comes back.</summary>
    /// <param name="server">Where.</param>
    /// <param name="request">What.</param>
    /// <param name="deadline">All of it takes no longer.</param>
    public static async Task<FuzzAnswer> RunAsync(IPEndPoint server, FuzzRequest request, TimeSpan deadline)
    {
        var started = Stopwatch.GetTimestamp();
        using var patience = new CancellationTokenSource(deadline);
        // A reset leaves no connection waiting in the kernel for the next hundred thousand.
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, LingerState = new(true, 0) };
        var reader = new AnswerReader(socket);
        try
        {
            await socket.ConnectAsync(server, patience.Token);
        }
        catch (SocketException)
        {
            return Told(ExchangeEnd.NotConnected);
        }

        try
        {
            var sending = SendAsync(socket, request, patience.Token);
            if (request.End == SendEnd.Cut)
            {
                await sending;
                // One that leaves a moment later finds the server elsewhere in its reading.
                await Task.Delay(TimeSpan.FromMilliseconds(request.Bytes.Length % 5), TimeProvider.System, patience.Token);
                return Told(ExchangeEnd.Cut);
            }

            await reader.ReadAsync(request.Method == "HEAD", s_streamPatience, patience.Token);
            return Told(reader.IsWhole ? ExchangeEnd.Answered : ExchangeEnd.Closed);
        }
        catch (Exception broken) when (broken is SocketException or IOException)
        {
            return Told(request.End == SendEnd.Cut ? ExchangeEnd.Cut : reader.IsWhole ? ExchangeEnd.Answered : ExchangeEnd.Closed);
        }
        catch (OperationCanceledException)
        {
            return Told(ExchangeEnd.Hung);
        }

        FuzzAnswer Told(ExchangeEnd end) => new(end, reader.Status, reader.Head, reader.Body, Stopwatch.GetElapsedTime(started));
    }

    /// <summary>Never throws for what the server does: it may answer and close before it has read all.</summary>
    private static async Task SendAsync(Socket socket, FuzzRequest request, CancellationToken cancellationToken)
    {
        try
        {
            for (var sent = 0; sent < request.Bytes.Length;) sent += await socket.SendAsync(request.Bytes.AsMemory(sent), cancellationToken);
            if (request.End == SendEnd.Half) socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception broken) when (broken is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            return;
        }
    }
}
