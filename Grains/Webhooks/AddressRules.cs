using System.Net;
using System.Net.Sockets;

namespace Emu3.Grains.Webhooks;

/// <summary>
/// Which addresses notices may go to: those of the public internet, and those of networks that were allowed. Whoever names a webhook must not reach what
/// only the cluster's machines can.
/// </summary>
/// <param name="allowed">Networks that are allowed whatever they are.</param>
public sealed class AddressRules(IReadOnlyList<IPNetwork> allowed)
{
    /// <summary>Everything of IANA's registry of special IPv4 addresses that is not globally reachable, and multicast.</summary>
    private static readonly IPNetwork[] s_special =
    [
        .. ((string[])[
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ]).Select(IPNetwork.Parse),
    ];

    /// <summary>Where IPv6 has its public addresses; what is outside is local, multicast, reserved, or holds an IPv4 address.</summary>
    private static readonly IPNetwork s_globalUnicast = IPNetwork.Parse("2000::/3");

    /// <summary>Inside it, what is not reachable for everyone: protocol assignments with Teredo, and documentation.</summary>
    private static readonly IPNetwork[] s_specialInside = [IPNetwork.Parse("2001::/23"), IPNetwork.Parse("2001:db8::/32"), IPNetwork.Parse("3fff::/20")];

    private static readonly IPNetwork s_nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork s_6to4 = IPNetwork.Parse("2002::/16");

    /// <summary>True when notices may go there.</summary>
    public bool IsAllowed(IPAddress address)
    {
        address = Plain(address);
        return allowed.Any(network => network.Contains(address)) || IsPublic(address);
    }

    /// <summary>An IPv4 address that is written as IPv6 is the IPv4 address; a link's name is left out.</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static bool IsPublic(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetwork) return !s_special.Any(network => network.Contains(address));
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return false;
        var bytes = address.GetAddressBytes();
        if (s_nat64.Contains(address)) return IsPublic(new IPAddress(bytes.AsSpan(12, 4)));
        if (s_6to4.Contains(address)) return IsPublic(new IPAddress(bytes.AsSpan(2, 4)));
        return s_globalUnicast.Contains(address) && !s_specialInside.Any(network => network.Contains(address)) && !IsIsatap(bytes);
    }

    /// <summary>The last four bytes are an IPv4 address, which a router of the network behind may send on to.</summary>
    private static bool IsIsatap(byte[] bytes) => bytes[8] is 0 or 2 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;
}
