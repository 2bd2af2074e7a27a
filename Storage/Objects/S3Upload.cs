using System.Buffers;
using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;

namespace Emu3.Storage.Objects;

/// <summary>
/// One upload in parts. At most <see cref="PartsAtOnce"/> + 1 parts are held in memory. A process that is killed leaves its parts in the store; they are removed when
/// they are a day old (<see cref="ObjectStoreStart"/>).
/// </summary>
internal sealed class S3Upload(S3Requests requests, string name, string contentType)
{
    /// <summary>At least 5 MiB, which S3 demands of all parts but the last. It allows 10,000 parts: 84 GB.</summary>
    public const int PartBytes = 8 << 20;

    private const int PartsAtOnce = 4;

    /// <summary>A store may copy all parts together before it answers.</summary>
    private static readonly TimeSpan s_completionTime = TimeSpan.FromMinutes(1);

    private readonly SortedDictionary<int, (string ETag, byte[] Md5)> _parts = [];

    /// <summary>Sends the first part, whole, and then all that is in the stream.</summary>
    /// <param name="first">Of <see cref="PartBytes"/>; the caller's again when this returns.</param>
    /// <param name="content">What comes behind it.</param>
    /// <param name="cancellationToken">Ends it, and removes what was sent.</param>
    /// <returns>Bytes of the object.</returns>
    public async Task<long> RunAsync(ReadOnlyMemory<byte> first, Stream content, CancellationToken cancellationToken)
    {
        var request = new InitiateMultipartUploadRequest { BucketName = requests.Bucket, Key = name, ContentType = contentType };
        var id = (await requests.RunAsync(attempt => requests.Client.InitiateMultipartUploadAsync(request, attempt.Token), cancellationToken)).UploadId;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var places = new SemaphoreSlim(PartsAtOnce); // every part gives its place back, those too that end after a failure
        var sending = new List<Task>();
        try
        {
            var length = await SendAllAsync(id, first, content, sending, places, stop);
            await CompleteAsync(id, length, cancellationToken);
            return length;
        }
        catch (Exception failure)
        {
            await stop.CancelAsync();
            // A part that arrives behind the abort stays in the store.
            await Task.WhenAll(sending).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            await AbortAsync(id, failure);
            // The part that failed cancelled the others.
            if (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested
                && sending.Select(task => task.Exception?.InnerException).FirstOrDefault(cause => cause is not (null or OperationCanceledException)) is { } cause) throw cause;
            throw;
        }
    }

    private async Task<long> SendAllAsync(string id, ReadOnlyMemory<byte> first, Stream content, List<Task> sending, SemaphoreSlim places, CancellationTokenSource stop)
    {
        await places.WaitAsync(stop.Token);
        sending.Add(SendAsync(id, 1, first, null, places, stop));
        long length = first.Length;
        for (var number = 2; ; number++)
        {
            await places.WaitAsync(stop.Token);
            sending.RemoveAll(task => task.IsCompletedSuccessfully);
            var buffer = ArrayPool<byte>.Shared.Rent(PartBytes);
            var count = 0;
            try
            {
                count = await content.ReadAtLeastAsync(buffer.AsMemory(0, PartBytes), PartBytes, throwOnEndOfStream: false, stop.Token);
            }
            finally
            {
                if (count == 0) ArrayPool<byte>.Shared.Return(buffer);
            }

            if (count > 0) sending.Add(SendAsync(id, number, buffer.AsMemory(0, count), buffer, places, stop));
            length += count;
            if (count < PartBytes) break;
        }

        await Task.WhenAll(sending);
        return length;
    }

    private async Task SendAsync(string id, int number, ReadOnlyMemory<byte> part, byte[]? rented, SemaphoreSlim places, CancellationTokenSource stop)
    {
        try
        {
            var answer = await requests.RunAsync(attempt => requests.Client.UploadPartAsync(new UploadPartRequest
            {
                BucketName = requests.Bucket,
                Key = name,
                UploadId = id,
                PartNumber = number,
                PartSize = part.Length,
                InputStream = S3BlobStore.StreamOf(part),
                UseChunkEncoding = false,
            }, attempt.Token), stop.Token, part.Length);
            lock (_parts) _parts[number] = (answer.ETag, Md5(part.Span));
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
        finally
        {
            if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
            places.Release();
        }
    }

    private Task<bool> CompleteAsync(string id, long length, CancellationToken cancellationToken) => requests.RunAsync(async attempt =>
    {
        try
        {
            await requests.Client.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest
            {
                BucketName = requests.Bucket,
                Key = name,
                UploadId = id,
                PartETags = [.. _parts.Select(part => new PartETag(part.Key, part.Value.ETag))],
            }, attempt.Token);
            return true;
        }
        catch (AmazonS3Exception gone) when (gone.StatusCode == HttpStatusCode.NotFound)
        {
            if (!await IsOursAsync(length, attempt)) throw;
            return true; // done by an attempt whose answer was lost
        }
    }, cancellationToken, answerTime: s_completionTime);

    /// <summary>Whether the object has the length and the ETag that these parts give: the MD5 of their MD5s, and their number.</summary>
    private async Task<bool> IsOursAsync(long length, S3Requests.Attempt attempt)
    {
        try
        {
            var there = await requests.Client.GetObjectMetadataAsync(requests.Bucket, name, attempt.Token);
            var whole = $"{Convert.ToHexString(Md5([.. _parts.Values.SelectMany(part => part.Md5)]))}-{_parts.Count}";
            return there.ContentLength == length && there.ETag.Trim('"').Equals(whole, StringComparison.OrdinalIgnoreCase);
        }
        catch (AmazonS3Exception missing) when (S3Failures.IsMissing(missing))
        {
            return false;
        }
    }

    /// <summary>S3's ETags are made of it; here it keeps nobody out, and tells our own upload from another.</summary>
#pragma warning disable CA5351
    private static byte[] Md5(ReadOnlySpan<byte> content) => MD5.HashData(content);
#pragma warning restore CA5351

    private async Task AbortAsync(string id, Exception cause)
    {
        try
        {
            await requests.RunAsync(attempt => requests.Client.AbortMultipartUploadAsync(requests.Bucket, name, id, attempt.Token), CancellationToken.None);
        }
        catch (ObjectStoreException refused)
        {
            // The caller must hear of what failed first. The parts stay for a day, and this tells why.
            cause.Data["abort"] = refused.Message;
        }
    }
}
