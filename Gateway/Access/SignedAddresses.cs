using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Contracts;
using Emu3.Gateway.Endpoints;
using Emu3.Grains.Interfaces;
using Emu3.Storage.Blobs;

namespace Emu3.Gateway.Access;

/// <summary>
/// Addresses that open without a key, for a while: whoever got one in an answer may hand it on. The secret behind the signatures is the cluster's, so that
/// any of its gateways serves what another signed.
/// </summary>
internal sealed class SignedAddresses(ClusterCalls cluster, IBlobStore blobs, GatewayHostOptions options)
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

    /// <summary>
    /// An address of a done item's file: of the blob store itself where it gives addresses, so that the file does not pass through a gateway, and else of this gateway.
    /// Both are valid for the same time.
    /// </summary>
    public async Task<(string Address, bool IsOurs)> OfFile(JobId job, string tenant, ItemOutcome outcome, HttpRequest request, CancellationToken cancellationToken)
    {
        var key = BlobKeys.Result(tenant, job, outcome.Item, outcome.Result!.FileHash);
        return await blobs.GetAddressAsync(key, options.AddressValidity, OutcomeAnswer.ContentTypeOf(outcome.Spec), cancellationToken) is { } address
            ? (address, false)
            : (await Of(SignedFiles.Picture(job, outcome.Item), request, cancellationToken), true);
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
