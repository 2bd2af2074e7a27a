using System.Net;
using System.Net.Sockets;

namespace Emu3.Tests.Deployment.Kubelet;

/// <summary>One port of a Service: each new connection goes to the next of its ready pods, and stays with it as long as it lasts.</summary>
internal sealed class ServiceRelay : IAsyncDisposable
{
    private readonly Func<IReadOnlyList<IPEndPoint>> _ready;
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _ends = new();
    private readonly Task _run;
    private int _next;

    /// <param name="at">Address and port of the Service.</param>
    /// <param name="ready">Where its ready pods listen now.</param>
    public ServiceRelay(IPEndPoint at, Func<IReadOnlyList<IPEndPoint>> ready)
    {
        _ready = ready;
        _listener = new(at);
        _listener.Start();
        _run = RunAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        _listener.Dispose();
        await _run;
        _ends.Dispose();
    }

    private async Task RunAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_ends.Token);
                connections.RemoveAll(connection => connection.IsCompleted);
                connections.Add(RelayAsync(client));
            }
        }
        catch (OperationCanceledException)
        {
            // The Service is gone.
        }

        await Task.WhenAll(connections);
    }

    private async Task RelayAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var ready = _ready();
                if (ready.Count == 0)
                {
                    client.Client.LingerState = new(true, 0); // refused, as by a Service without endpoints
                    return;
                }

                using var pod = new TcpClient();
                await pod.ConnectAsync(ready[(int)((uint)Interlocked.Increment(ref _next) % (uint)ready.Count)], _ends.Token);
                await Task.WhenAll(CopyAsync(client, pod), CopyAsync(pod, client));
            }
            catch (Exception broken) when (broken is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The pod or the client is gone, and the other side sees its connection end: disposed of here.
            }
        }
    }

    /// <summary>Until one side has ended its half; then the other is told so.</summary>
    private async Task CopyAsync(TcpClient from, TcpClient to)
    {
        try
        {
            await from.GetStream().CopyToAsync(to.GetStream(), _ends.Token);
            to.Client.Shutdown(SocketShutdown.Send);
        }
        catch
        {
            from.Dispose(); // a broken half breaks the other too, or its copy would wait for ever
            to.Dispose();
            throw;
        }
    }
}
