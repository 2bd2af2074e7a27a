using System.Runtime.CompilerServices;
using Amazon.S3.Model;

namespace Emu3.Storage.Objects;

/// <summary>Lists page by page. The SDK gives null where a page is empty.</summary>
internal static class S3Listing
{
    /// <summary>Objects whose names begin with a prefix, at most <see cref="ObjectStoreOptions.ListPage"/> at a time, in the order of their names.</summary>
    public static async IAsyncEnumerable<IReadOnlyList<S3Object>> ListAsync(this S3Requests requests, string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (string? next = null; ;)
        {
            var request = new ListObjectsV2Request { BucketName = requests.Bucket, Prefix = prefix, ContinuationToken = next, MaxKeys = requests.Options.ListPage };
            var page = await requests.RunAsync(attempt => requests.Client.ListObjectsV2Async(request, attempt.Token), cancellationToken);
            if (page.S3Objects is { Count: > 0 } found) yield return found;
            if (page.IsTruncated != true) yield break;
            next = page.NextContinuationToken;
        }
    }

    /// <summary>Uploads in parts that were neither completed nor aborted.</summary>
    public static async IAsyncEnumerable<MultipartUpload> ListUploadsAsync(this S3Requests requests, string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ListMultipartUploadsRequest { BucketName = requests.Bucket, Prefix = prefix };
        while (true)
        {
            var page = await requests.RunAsync(attempt => requests.Client.ListMultipartUploadsAsync(request, attempt.Token), cancellationToken);
            foreach (var upload in page.MultipartUploads ?? []) yield return upload;
            if (page.IsTruncated != true) yield break;
            (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
    }
}
