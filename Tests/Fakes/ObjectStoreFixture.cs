using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Emu3.Benchmarks.Processes;
using Emu3.Storage.Objects;
using Emu3.Tests.Fakes;

[assembly: AssemblyFixture(typeof(ObjectStoreFixture))]

namespace Emu3.Tests.Fakes;

/// <summary>Two object stores for all tests of a run, each started by the first that asks: Ceph's, and Swift's, which can do less.</summary>
public sealed class ObjectStoreFixture : IAsyncDisposable
{
    private const string Bucket = "emu3-tests";
    private readonly Lock _lock = new();
    private readonly TemporaryFolder _folder = new();
    private Task<(CephServer? Server, string? Refusal)>? _ceph;
    private Task<(SwiftServer? Server, string? Refusal)>? _swift;
    private int _count;

    /// <summary>PEM of the authority that Ceph's https certificate is from.</summary>
    public string AuthorityFile => _folder.PathTo("authority.pem");

    /// <summary>Ceph's RADOS gateway; skips the test by name where it is not installed.</summary>
    internal async Task<CephServer> CephAsync()
    {
        var (server, refusal) = await TryCephAsync();
        Assert.SkipWhen(server is null, refusal ?? "");
        return server!;
    }

    /// <summary>Null with the reason where it is not installed.</summary>
    internal Task<(CephServer? Server, string? Refusal)> TryCephAsync()
    {
        lock (_lock) return _ceph ??= StartCephAsync();
    }

    internal async Task<SwiftServer> SwiftAsync()
    {
        lock (_lock) _swift ??= StartSwiftAsync();
        var (server, refusal) = await _swift;
        Assert.SkipWhen(server is null, refusal ?? "");
        return server!;
    }

    /// <summary>Settings of a prefix of its own in Ceph, with keys in files.</summary>
    /// <param name="endpoint">Another way to the store, as a relay's.</param>
    public async Task<ObjectStoreOptions> InCephAsync(string? endpoint = null) =>
        Options(endpoint ?? (await CephAsync()).Endpoint, "ceph", CephServer.AccessKey, CephServer.SecretKey);

    /// <summary>Settings of a prefix of its own in Swift, with keys in files.</summary>
    public async Task<ObjectStoreOptions> InSwiftAsync() => Options((await SwiftAsync()).Endpoint, "swift", SwiftServer.AccessKey, SwiftServer.SecretKey);

    public async ValueTask DisposeAsync()
    {
        if (_ceph is not null && (await _ceph).Server is { } ceph) await ceph.DisposeAsync();
        if (_swift is not null && (await _swift).Server is { } swift) await swift.DisposeAsync();
        _folder.Dispose();
    }

    private ObjectStoreOptions Options(string endpoint, string server, string accessKey, string secretKey)
    {
        var (id, secret) = (_folder.PathTo(server + "-id"), _folder.PathTo(server + "-secret"));
        lock (_lock)
        {
            if (!File.Exists(secret))
            {
                File.WriteAllText(id, accessKey + "\n");
                File.WriteAllText(secret, secretKey + "\n");
            }
        }

        return new() { Endpoint = endpoint, Bucket = Bucket, Prefix = $"test-{Interlocked.Increment(ref _count)}", AccessKeyFile = id, SecretKeyFile = secret };
    }

    private async Task<(CephServer?, string?)> StartCephAsync()
    {
        var started = await CephServer.TryStartAsync(_folder.PathTo("ceph"), tls: MakeCertificate());
        if (started.Server is { } server) await server.MakeBucketAsync(Bucket);
        return started;
    }

    private async Task<(SwiftServer?, string?)> StartSwiftAsync()
    {
        var started = await SwiftServer.TryStartAsync(_folder.PathTo("swift"));
        if (started.Server is { } server) await server.MakeBucketAsync(Bucket);
        return started;
    }

    /// <summary>Of an authority that no machine knows, for 127.0.0.1: certificate and key in one PEM file.</summary>
    private string MakeCertificate()
    {
        var (from, until) = (TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(30));
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest("CN=Emu3 tests", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        using var issuer = authority.CreateSelfSigned(from, until);
        File.WriteAllText(AuthorityFile, issuer.ExportCertificatePem());

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(issuer, from, until, [1, 2, 3, 4]);
        File.WriteAllText(_folder.PathTo("server.pem"), certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
        return _folder.PathTo("server.pem");
    }
}
