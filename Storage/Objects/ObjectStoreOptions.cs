using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Emu3.Storage.Blobs;

namespace Emu3.Storage.Objects;

/// <summary>Section <c>Cluster:S3</c>: where the blobs are with <c>Cluster:Blobs=s3</c>, and how long to wait for them.</summary>
public sealed class ObjectStoreOptions
{
    private const string DefaultRegion = "us-east-1";

    /// <summary>Address of the store, as <c>https://s3.example.org</c> or <c>http://rook-ceph-rgw:80</c>. Default: Amazon's of <see cref="Region"/>.</summary>
    public string? Endpoint { get; set; }

    /// <summary>
    /// Region that requests are signed for; stores other than Amazon's usually take any. Default: the variable <c>AWS_REGION</c>, then <c>AWS_DEFAULT_REGION</c>,
    /// then us-east-1.
    /// </summary>
    public string? Region { get; set; }

    /// <summary>The bucket, which must exist. Required.</summary>
    public string? Bucket { get; set; }

    /// <summary>What the names of all objects begin with, as <c>emu3</c> or <c>team/emu3</c>, so that clusters can share a bucket. Default: nothing.</summary>
    public string? Prefix { get; set; }

    /// <summary>Objects are addressed as <c>host/bucket/key</c>, and not as <c>bucket.host/key</c>. Default: yes where <see cref="Endpoint"/> is given, no on Amazon.</summary>
    public bool? PathStyle { get; set; }

    /// <summary>
    /// A file that holds the id of the access key, as a mounted secret. It is read for every request, so a rotated key needs no restart. Default: none, and the
    /// credentials come from the SDK's chain: the variables <c>AWS_ACCESS_KEY_ID</c> and <c>AWS_SECRET_ACCESS_KEY</c>, a web identity (IRSA), a profile, the
    /// machine's role.
    /// </summary>
    public string? AccessKeyFile { get; set; }

    /// <summary>A file that holds the secret of the access key; see <see cref="AccessKeyFile"/>. Both are named or neither.</summary>
    public string? SecretKeyFile { get; set; }

    /// <summary>A PEM file with the certificate authorities that sign the store's certificate, in place of the system's. Default: the system's.</summary>
    public string? CaFile { get; set; }

    /// <summary>
    /// Answers with <c>url</c> results carry addresses of the store, signed for <c>Gateway:AddressValidity</c>: files then reach clients without passing through a
    /// gateway. Default: no, they carry addresses of the gateway.
    /// </summary>
    public bool SignedUrls { get; set; }

    /// <summary>
    /// Address under which clients reach the store, for <see cref="SignedUrls"/>: a signature covers the name of the host. Default: <see cref="Endpoint"/>.
    /// </summary>
    public string? PublicEndpoint { get; set; }

    /// <summary>
    /// How long one attempt waits for the store to answer or to send the next bytes; an upload gets time for its bytes on top, at <see cref="SlowestUpload"/>. Default: 4 s.
    /// </summary>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>Bytes a second that an upload reaches at least: an attempt that is slower is broken off and repeated. Default: 262,144.</summary>
    public int SlowestUpload { get; set; } = 256 << 10;

    /// <summary>
    /// So long after its first attempt a request is no longer repeated. Then workers wait and ask again, and gateways answer 503. Default: 8 s, so that a grain that
    /// needs the store tells its caller before the call times out.
    /// </summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(8);

    /// <summary>Objects of a page of a list: a thousand are the most that a store gives. Fewer where a test wants more pages.</summary>
    internal int ListPage { get; set; } = 1_000;

    /// <summary>The region, wherever it was named.</summary>
    internal string SigningRegion => NonBlank(Region) ?? NonBlank(Environment.GetEnvironmentVariable("AWS_REGION"))
        ?? NonBlank(Environment.GetEnvironmentVariable("AWS_DEFAULT_REGION")) ?? DefaultRegion;

    internal bool IsPathStyle => PathStyle ?? IsOwn;

    /// <summary>The store has an address of its own, and is not Amazon's of a region.</summary>
    internal bool IsOwn => !string.IsNullOrWhiteSpace(Endpoint);

    internal bool HasKeyFiles => !string.IsNullOrWhiteSpace(AccessKeyFile) && !string.IsNullOrWhiteSpace(SecretKeyFile);

    /// <summary>For a person: bucket and store.</summary>
    internal string Describe() => $"bucket {Bucket} of the object store {(IsOwn ? Endpoint : $"of Amazon in {SigningRegion}")}";

    /// <summary>What is wrong, by the name of the setting within the section.</summary>
    internal IEnumerable<(string Name, string Problem)> Problems()
    {
        if (!IsAddress(Endpoint)) yield return (nameof(Endpoint), $"must be http or https, a host and perhaps a port, as https://s3.example.org, and is '{Endpoint}'.");
        if (!IsAddress(PublicEndpoint)) yield return (nameof(PublicEndpoint), $"must be http or https, a host and perhaps a port, as https://s3.example.org, and is '{PublicEndpoint}'.");
        if (string.IsNullOrWhiteSpace(Bucket)) yield return (nameof(Bucket), "must name a bucket that exists.");
        else if (Bucket.Contains('/', StringComparison.Ordinal)) yield return (nameof(Bucket), $"must be a name without slashes, and is '{Bucket}'; what the names of objects begin with is Cluster:S3:Prefix.");
        if (!string.IsNullOrEmpty(Prefix) && !BlobNames.IsValid(Prefix)) yield return (nameof(Prefix), $"must be {BlobNames.Rule}, and is '{Prefix}'.");
        if (string.IsNullOrWhiteSpace(AccessKeyFile) != string.IsNullOrWhiteSpace(SecretKeyFile))
            yield return (string.IsNullOrWhiteSpace(AccessKeyFile) ? nameof(AccessKeyFile) : nameof(SecretKeyFile), "must be named as well: AccessKeyFile and SecretKeyFile belong together.");
        foreach (var (name, file) in ((string, string?)[])[(nameof(AccessKeyFile), AccessKeyFile), (nameof(SecretKeyFile), SecretKeyFile)])
            if (!string.IsNullOrWhiteSpace(file) && ProblemOfKey(file) is { } problem) yield return (name, problem);
        if (!string.IsNullOrWhiteSpace(CaFile) && ProblemOfAuthorities(CaFile) is { } wrong) yield return (nameof(CaFile), wrong);
        if (AttemptTimeout < TimeSpan.FromSeconds(0.1) || AttemptTimeout > TimeSpan.FromMinutes(10)) yield return (nameof(AttemptTimeout), $"must be from 0.1 s to 10 minutes, as 00:00:04, and is {AttemptTimeout}.");
        if (SlowestUpload < 1_024) yield return (nameof(SlowestUpload), $"must be at least 1024 bytes a second, as 262144, and is {SlowestUpload}.");
        if (Patience < TimeSpan.Zero || Patience > TimeSpan.FromHours(1)) yield return (nameof(Patience), $"must be from 0 to 1 hour, as 00:00:08, and is {Patience}.");
    }

    private static bool IsAddress(string? text) => string.IsNullOrWhiteSpace(text)
        || (Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address is { AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" });

    private static string? ProblemOfKey(string file)
    {
        try
        {
            return string.IsNullOrWhiteSpace(File.ReadAllText(file)) ? $"must hold one line, and {file} is empty." : null;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return $"can't be read: {refused.Message}";
        }
    }

    private static string? ProblemOfAuthorities(string file)
    {
        try
        {
            var found = new X509Certificate2Collection();
            found.ImportFromPemFile(file);
            return found.Count == 0 ? $"must hold certificates in PEM, and {file} has none." : null;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return $"can't be read: {refused.Message}";
        }
    }

    private static string? NonBlank(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;
}
