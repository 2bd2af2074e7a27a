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

    /// <summary>The address of a done item's file, from the public name of the gateway, or else from the one that the client used.</summary>
    public async Task<string> Of(JobId job, int item, HttpRequest request, CancellationToken cancellationToken)
    {
        var expires = (cluster.Time.GetUtcNow() + options.AddressValidity).ToUnixTimeSeconds();
        var signature = Sign(await Secret(cancellationToken), job, item, expires);
        var start = options.PublicAddress?.TrimEnd('/') ?? $"{request.Scheme}://{request.Host}";
        return string.Create(CultureInfo.InvariantCulture, $"{start}/v1/pictures/{job}/{item}?expires={expires}&signature={signature}");
    }

    /// <summary>Whether this gateway's cluster signed it, and its time is not over.</summary>
    public async Task<bool> IsValid(JobId job, int item, long expires, string signature, CancellationToken cancellationToken)
    {
        if (expires < cluster.Time.GetUtcNow().ToUnixTimeSeconds()) return false;
        var expected = Sign(await Secret(cancellationToken), job, item, expires);
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(expected), Encoding.UTF8.GetBytes(signature));
    }

    private async Task<byte[]> Secret(CancellationToken cancellationToken) =>
        _secret ??= await cluster.Repeat(() => cluster.Grain<IClusterSecrets>(0).Get(Purpose), cancellationToken);

    private static string Sign(byte[] secret, JobId job, int item, long expires) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{job}/{item}/{expires}"))));
}
