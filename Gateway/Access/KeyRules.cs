using System.Net;
using Emu3.Storage.Configuration;

namespace Emu3.Gateway.Access;

/// <summary>Whether this gateway asks for keys, decided when it starts.</summary>
/// <param name="AreRequired">It does.</param>
/// <param name="Bootstrap">Opens everything; null where no file is named.</param>
internal sealed record KeyRules(bool AreRequired, BootstrapKey? Bootstrap)
{
    /// <summary>What holds for a gateway at an address.</summary>
    /// <exception cref="ConfigurationException">Everyone in the network could use it, or its bootstrap key can't be used.</exception>
    public static KeyRules Of(GatewayHostOptions options, Uri address)
    {
        var isLocal = IsLoopback(address);
        if (options.Keys == KeyMode.Off && !isLocal) throw Wrong(nameof(GatewayHostOptions.Keys), OffElsewhere(address));
        if (options.BootstrapKeyFile is not { } file) return new(options.Keys is { } said ? said == KeyMode.Required : !isLocal, null);
        var (key, problem) = BootstrapKey.Read(file);
        return key is null ? throw Wrong(nameof(GatewayHostOptions.BootstrapKeyFile), problem!) : new(options.Keys != KeyMode.Off, key);
    }

    /// <summary>Why keys can't be off at an address.</summary>
    public static string OffElsewhere(Uri address) =>
        $"is Off, which is allowed on loopback addresses only, and the gateway listens at {address.GetLeftPart(UriPartial.Authority)}: everyone who reaches it could use it.";

    /// <summary>Whether only this machine reaches it. A name other than <c>localhost</c> makes a server listen on all addresses, whatever it means.</summary>
    public static bool IsLoopback(Uri address) =>
        IPAddress.TryParse(address.DnsSafeHost, out var number) ? IPAddress.IsLoopback(number) : address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase);

    private static ConfigurationException Wrong(string key, string problem) => new([$"{GatewayHostOptions.Section}:{key}: {problem}"]);
}
