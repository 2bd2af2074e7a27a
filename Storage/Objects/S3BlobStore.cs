using System.Buffers;
using System.Runtime.InteropServices;
using Amazon.S3;
using Amazon.S3.Model;
using Emu3.Storage.Blobs;

namespace Emu3.Storage.Objects;

/// <summary>
/// Blobs as objects of a bucket. An object appears, or replaces another, in one step and durably: when its put or the completion of its parts is answered.
/// </summary>
internal sealed class S3BlobStore : IBlobStore, IDisposable
{
    private const string ContentType = "application/octet-stream";
    private const int DeletesAtOnce = 16;

    /// <summary>A thousand objects are removed by one request.</summary>
    private static readonly TimeSpan s_deleteTime = TimeSpan.FromSeconds(30);

    private readonly ObjectStoreOptions _options;
    private readonly S3Requests _requests;
    private readonly Lazy<AmazonS3Client> _signer;
    private readonly string _prefix;

    /// <summary>False once the store has refused that: some want a Content-MD5 with it, which the SDK no longer sends.</summary>
    private volatile bool _deletesMany = true;

    /// <param name="options">Have no problems.</param>
    public S3BlobStore(ObjectStoreOptions options)
    {
        (_options, _requests) = (options, new(options));
        // A signature covers the host: addresses for clients need a client with the name that they use. It sends nothing.
        _signer = new(() => S3Clients.Create(options, string.IsNullOrWhiteSpace(options.PublicEndpoint) ? null : options.PublicEndpoint));
        _prefix = string.IsNullOrEmpty(options.Prefix) ? "" : options.Prefix + "/";
    }

    public Task WriteAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        var name = NameOf(key);
        cancellationToken.ThrowIfCancellationRequested();
        return StoreMetrics.MeasureAsync(StoreMetrics.Blob, () => PutAsync(name, content, cancellationToken));
    }

    public async Task<long> WriteAsync(string key, Stream content, CancellationToken cancellationToken = default)
    {
        var name = NameOf(key);
        var first = ArrayPool<byte>.Shared.Rent(S3Upload.PartBytes);
        try
        {
            var count = await content.ReadAtLeastAsync(first.AsMemory(0, S3Upload.PartBytes), S3Upload.PartBytes, throwOnEndOfStream: false, cancellationToken);
            if (count == S3Upload.PartBytes) return await new S3Upload(_requests, name, ContentType).RunAsync(first.AsMemory(0, count), content, cancellationToken);
            await PutAsync(name, first.AsMemory(0, count), cancellationToken);
            return count;
        }
        finally
        {
            // An attempt that was given up may still send from it; the signed hash then has the store refuse what it gets.
            ArrayPool<byte>.Shared.Return(first);
        }
    }

    public Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken = default)
    {
        var name = NameOf(key);
        return _requests.RunAsync(async attempt =>
        {
            try
            {
                using var answer = await _requests.Client.GetObjectAsync(_requests.Bucket, name, attempt.Token);
                var content = new byte[answer.ContentLength];
                for (var at = 0; at < content.Length; attempt.Progressed())
                    at += await answer.ResponseStream.ReadAsync(content.AsMemory(at), attempt.Token) is var count and > 0 ? count : throw new EndOfStreamException($"Only {at} of {content.Length} bytes came.");
                // The SDK compares the bytes with the ETag when it sees the end.
                if (await answer.ResponseStream.ReadAsync(new byte[1], attempt.Token) > 0) throw new IOException($"More came than the {content.Length} bytes that the store had told.");
                return content;
            }
            catch (AmazonS3Exception missing) when (S3Failures.IsMissing(missing))
            {
                return null;
            }
        }, cancellationToken);
    }

    public async Task<Stream?> OpenReadAsync(string key, CancellationToken cancellationToken = default) => await S3ReadStream.OpenAsync(_requests, NameOf(key), from: 0, cancellationToken);

    public Task DeleteAsync(string key, CancellationToken cancellationToken = default) => RemoveAsync(NameOf(key), cancellationToken);

    public async Task DeletePrefixAsync(string prefix, CancellationToken cancellationToken = default)
    {
        // What is removed while it is listed confuses no store: each page begins behind a name.
        await foreach (var page in _requests.ListAsync(NameOf(prefix) + "/", cancellationToken)) await RemoveAsync([.. page.Select(found => found.Key)], cancellationToken);
    }

    public async Task<string?> GetAddressAsync(string key, TimeSpan lifetime, string contentType, CancellationToken cancellationToken = default)
    {
        var name = NameOf(key);
        if (!_options.SignedUrls) return null;
        var request = new GetPreSignedUrlRequest
        {
            BucketName = _requests.Bucket,
            Key = name,
            Expires = TimeProvider.System.GetUtcNow().UtcDateTime + lifetime,
            // https is the default here, whatever the endpoint says.
            Protocol = _signer.Value.Config.ServiceURL?.StartsWith("http:", StringComparison.OrdinalIgnoreCase) == true ? Protocol.HTTP : Protocol.HTTPS,
            ResponseHeaderOverrides = { ContentType = contentType },
        };
        return await _requests.RunAsync(_ => _signer.Value.GetPreSignedURLAsync(request), cancellationToken);
    }

    public void Dispose()
    {
        _requests.Dispose();
        if (_signer.IsValueCreated) _signer.Value.Dispose();
    }

    private async Task PutAsync(string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => await _requests.RunAsync(attempt => _requests.Client.PutObjectAsync(new PutObjectRequest
    {
        BucketName = _requests.Bucket,
        Key = name,
        InputStream = StreamOf(content),
        ContentType = ContentType,
        UseChunkEncoding = false, // one hash over the whole content, which every store knows
    }, attempt.Token), cancellationToken, content.Length);

    private async Task RemoveAsync(string name, CancellationToken cancellationToken) =>
        await _requests.RunAsync(attempt => _requests.Client.DeleteObjectAsync(_requests.Bucket, name, attempt.Token), cancellationToken);

    private async Task RemoveAsync(IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        if (_deletesMany)
        {
            try
            {
                names = await RemoveTogetherAsync(names, cancellationToken);
            }
            catch (ObjectStoreException refused) when (refused.InnerException is AmazonS3Exception cause && S3Failures.IsUnknownToStore(cause))
            {
                _deletesMany = false;
            }
        }

        // One by one: what is wrong with a single object is told by its own request.
        await Parallel.ForEachAsync(
            names, new ParallelOptions { MaxDegreeOfParallelism = DeletesAtOnce, CancellationToken = cancellationToken }, async (name, token) => await RemoveAsync(name, token));
    }

    /// <summary>Returns the names of those that could not be removed.</summary>
    private Task<IReadOnlyList<string>> RemoveTogetherAsync(IReadOnlyList<string> names, CancellationToken cancellationToken) => _requests.RunAsync<IReadOnlyList<string>>(async attempt =>
    {
        try
        {
            await _requests.Client.DeleteObjectsAsync(
                new DeleteObjectsRequest { BucketName = _requests.Bucket, Quiet = true, Objects = [.. names.Select(name => new KeyVersion { Key = name })] }, attempt.Token);
            return [];
        }
        catch (DeleteObjectsException some)
        {
            return [.. (some.Response.DeleteErrors ?? []).Select(error => error.Key)];
        }
    }, cancellationToken, answerTime: s_deleteTime);

    /// <summary>A stream that seeks, which the hash needs, without a copy where the content is an array. A new one for each attempt: the SDK closes it.</summary>
    internal static MemoryStream StreamOf(ReadOnlyMemory<byte> content) => MemoryMarshal.TryGetArray(content, out var array)
        ? new(array.Array!, array.Offset, array.Count, writable: false)
        : new(content.ToArray(), writable: false);

    private string NameOf(string key) => _prefix + BlobNames.Require(key);
}
