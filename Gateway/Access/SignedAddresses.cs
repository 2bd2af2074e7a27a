using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Emu3.Gateway.Cluster;
using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Access;

/// <summary>
/// Addresses that open without a key, for a while: whoever got one in an answer may hand it on. The secret behind the signatures is the cluster's, so that
/// any of its gateways serves what another signed.
/// </summary>
internal sealed class SignedAddresses(ClusterCalls cluster, GatewayHostOptions options)
{
    private const string Purpose = "addresses";
    private byte[]? _secret;

    /// <summary>An address of a path of this gateway, from its public name, or else from the one that the client used.</summary>
    public async Task<string> Of(string path, HttpRequest request, CancellationToken cancellationToken)
    {
        var expires = (cluster.Time.GetUtcNow() + options.AddressValidity).ToUnixTimeSeconds();
        var signature = Sign(await Secret(cancellationToken), path, expires);
        return string.Create(CultureInfo.InvariantCulture, $"{StartOf(request)}{path}?expires={expires}&signature={signature}");
    }

    /// <summary>What addresses begin with that this client gets.</summary>
    public string StartOf(HttpRequest request) => options.PublicAddress?.TrimEnd('/') ?? $"{request.Scheme}://{request.Host}";

    /// <summary>Whether this gateway's cluster signed the address of a request, and its time is not over.</summary>
    public async Task<bool> IsValid(HttpRequest request, CancellationToken cancellationToken)
    {
        if (!long.TryParse(request.Query["expires"], NumberStyles.None, CultureInfo.InvariantCulture, out var expires)
            || expires < cluster.Time.GetUtcNow().ToUnixTimeSeconds()) return false;
        var expected = Sign(await Secret(cancellationToken), request.Path.Value ?? "", expires);
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(expected), Encoding.UTF8.GetBytes(request.Query["signature"].ToString()));
    }

    private async Task<byte[]> Secret(CancellationToken cancellationToken) =>
        _secret ??= await cluster.Repeat(() => cluster.Grain<IClusterSecrets>(0).Get(Purpose), cancellationToken);

    private static string Sign(byte[] secret, string path, long expires) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{path}?{expires}"))));
}
