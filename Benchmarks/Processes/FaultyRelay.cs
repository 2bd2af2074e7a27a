using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Emu3.Benchmarks.Processes;

/// <summary>
/// Stands on loopback before an HTTP server, and is as told a way through to it, a closed port, a server that answers 503, or one that takes connections and says
/// nothing.
/// </summary>
internal sealed class FaultyRelay : IDisposable
{
    private const string SlowDown = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    private readonly Lock _lock = new();
    private readonly int _target;
    private readonly HashSet<TcpClient> _open = [];
    private readonly TaskCompletionSource _end = new();
    private TcpListener _listener;
    private RelayWay _way;
    private long _remaining = long.MaxValue;

    /// <param name="target">Port of the server, on loopback.</param>
    public FaultyRelay(int target)
    {
        _target = target;
        Port = FreePorts.Take();
        _listener = Listen();
    }

    public int Port { get; }

    public string Endpoint => $"http://127.0.0.1:{Port}";

    /// <summary>Connections that it took, of all ways.</summary>
    public int ConnectionCount { get; private set; }

    /// <summary>Connections that were answered with 503, or that got no answer.</summary>
    public int FaultCount { get; private set; }

    /// <summary>Changes the way. Connections that are open are cut, as by a process that is killed.</summary>
    public void Become(RelayWay way)
    {
        lock (_lock)
        {
            if (way == _way) return;
            if (way == RelayWay.Refuses) _listener.Stop();
            else if (_way == RelayWay.Refuses) _listener = Listen();
            _way = way;
            foreach (var client in _open) client.Close();
            _open.Clear();
        }
    }

    /// <summary>After so many more bytes to clients it sends nothing more on that connection, which stays open; new connections are not touched.</summary>
    public void StallAfter(long bytes) => Interlocked.Exchange(ref _remaining, bytes);

    public void Dispose()
    {
        _end.TrySetResult();
        lock (_lock)
        {
            _listener.Stop();
            foreach (var client in _open) client.Close();
        }
    }

    private TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, Port);
        listener.Start(512);
        _ = AcceptAsync(listener);
        return listener;
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptTcpClientAsync());
        }
        catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Become or Dispose closed it.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var _ = client;
        RelayWay way;
        lock (_lock)
        {
            _open.Add(client);
            way = _way;
            ConnectionCount++;
            if (way != RelayWay.Through) FaultCount++;
        }

        try
        {
            switch (way)
            {
                case RelayWay.Silent:
                    await _end.Task;
                    break;
                case RelayWay.Busy:
                    await RefuseAsync(client);
                    break;
                default:
                    await PassAsync(client);
                    break;
            }
        }
        catch (Exception cut) when (cut is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // By one of both sides, or by Become.
        }
        finally
        {
            lock (_lock) _open.Remove(client);
        }
    }

    private static async Task RefuseAsync(TcpClient client)
    {
        var stream = client.GetStream();
        var buffer = new byte[1 << 16];
        if (await stream.ReadAsync(buffer) == 0) return;
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: {SlowDown.Length}\r\nConnection: close\r\n\r\n{SlowDown}"));
        client.Client.Shutdown(SocketShutdown.Send);
        while (await stream.ReadAsync(buffer) > 0) continue; // else the client may see a broken connection before the answer
    }

    private async Task PassAsync(TcpClient client)
    {
        using var server = new TcpClient();
        await server.ConnectAsync(IPAddress.Loopback, _target);
        lock (_lock) _open.Add(server);
        try
        {
            await Task.WhenAny(client.GetStream().CopyToAsync(server.GetStream()), AnswerAsync(server.GetStream(), client.GetStream()));
        }
        finally
        {
            lock (_lock) _open.Remove(server);
        }
    }

    private async Task AnswerAsync(NetworkStream from, NetworkStream to)
    {
        var buffer = new byte[1 << 16];
        while (await from.ReadAsync(buffer) is var count and > 0)
        {
            if (Interlocked.Add(ref _remaining, -count) < 0)
            {
                Interlocked.Exchange(ref _remaining, long.MaxValue);
                await _end.Task;
                return;
            }

            await to.WriteAsync(buffer.AsMemory(0, count));
        }
    }
}

/// <summary>What a <see cref="FaultyRelay"/> does with a connection.</summary>
internal enum RelayWay
{
    Through,

    /// <summary>The port is closed.</summary>
    Refuses,

    /// <summary>It is taken, and nothing is said.</summary>
    Silent,

    /// <summary>Every request is answered with 503.</summary>
    Busy,
}
