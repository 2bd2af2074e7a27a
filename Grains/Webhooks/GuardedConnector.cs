using System.Net;
using System.Net.Sockets;

namespace Emu3.Grains.Webhooks;

/// <summary>Finds the addresses of a host.</summary>
public delegate Task<IPAddress[]> HostResolver(string host, CancellationToken cancellationToken);

/// <summary>
/// Connects to a receiver. The addresses that are checked are the very ones that are connected to: a name that means something else a moment later
/// changes nothing.
/// </summary>
/// <param name="rules">Where connections may go.</param>
/// <param name="resolve">Asked once for each connection.</param>
public sealed class GuardedConnector(AddressRules rules, HostResolver resolve)
{
    private const int MaxAddresses = 4;

    /// <exception cref="AddressRefusedException">The host has no address that may be reached; nothing was sent to any.</exception>
    public async ValueTask<Stream> ConnectAsync(DnsEndPoint receiver, CancellationToken cancellationToken)
    {
        var addresses = IPAddress.TryParse(receiver.Host, out var literal) ? [literal] : await resolve(receiver.Host, cancellationToken);
        var allowed = addresses.Where(rules.IsAllowed).Select(AddressRules.Plain).Take(MaxAddresses).ToArray();
        if (allowed.Length == 0) throw new AddressRefusedException();
        for (var place = 0; ; place++)
        {
            var socket = new Socket(allowed[place].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(new IPEndPoint(allowed[place], receiver.Port), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException) when (place + 1 < allowed.Length)
            {
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }
}

/// <summary>A receiver's host is private, local or reserved. Which address it has is not told: a name inside may be nobody's business.</summary>
public sealed class AddressRefusedException() : Exception(
    "The host's address is private, local or reserved, and Webhooks:AllowedNetworks does not have it. Nothing was sent.");
