using System.Net;
using Emu3.Grains.Interfaces.Requests;

namespace Emu3.Grains.Webhooks;

/// <summary>What an address of a receiver must look like. What its host's name means is only seen when a notice is sent: see <see cref="GuardedConnector"/>.</summary>
public sealed class WebhookRules(WebhookOptions options)
{
    /// <summary>Where notices may go.</summary>
    public AddressRules Addresses { get; } = new([.. options.AllowedNetworks.Select(IPNetwork.Parse)]);

    /// <summary>What is wrong with it and what is allowed, for the person who wrote it; null when nothing is.</summary>
    public string? Check(string url)
    {
        if (url.Length > RequestLimits.WebhookUrlLength) return $"has {url.Length} characters; {RequestLimits.WebhookUrlLength} are allowed.";
        if (url.Any(letter => letter <= ' ' || letter == '\\') || !Uri.TryCreate(url, UriKind.Absolute, out var address)
            || !(address.Scheme == Uri.UriSchemeHttps || (options.AllowHttp && address.Scheme == Uri.UriSchemeHttp)))
            return "must be an address that begins with https:// and has no spaces, as https://example.org/emu3.";
        if (address.UserInfo.Length > 0) return "must have no user name or password in it: check the signature, or put something secret into its path.";
        if (address.Fragment.Length > 0) return "must have no fragment (#…): it would not be sent.";
        if (address.Port == 0) return "has port 0, where nobody listens.";
        if (address.HostNameType is not (UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6)) return "must name a host.";
        var host = address.HostNameType == UriHostNameType.IPv6 ? address.Host.Trim('[', ']') : address.IdnHost.TrimEnd('.');
        return MayBeReached(host)
            ? null
            : "must be an address of the public internet: its host is private, local or reserved, and Webhooks:AllowedNetworks does not have it.";
    }

    private bool MayBeReached(string host)
    {
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase))
            return Addresses.IsAllowed(IPAddress.Loopback) || Addresses.IsAllowed(IPAddress.IPv6Loopback);
        return !IPAddress.TryParse(host, out var address) || Addresses.IsAllowed(address);
    }
}
