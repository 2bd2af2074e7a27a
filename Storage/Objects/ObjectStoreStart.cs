using System.Globalization;
using Amazon.S3;
using Amazon.S3.Model;

namespace Emu3.Storage.Objects;

/// <summary>What a process does with the object store when it starts: it makes sure that it can write, read and remove, and removes what killed processes left.</summary>
internal static class ObjectStoreStart
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    /// <summary>An upload that goes on is younger; a day allows for clocks that differ.</summary>
    private static readonly TimeSpan s_leftoverAge = TimeSpan.FromDays(1);

    /// <summary>Waits until the store answers, and tries it with an object whose name begins with a dot, as no blob's does.</summary>
    /// <param name="options">Have no problems.</param>
    /// <param name="patience">How long a store is waited for that does not answer. One that refuses is not waited for.</param>
    /// <param name="tell">Gets lines for a person.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ObjectStoreException">It does not answer in time, refuses, or gives back something else.</exception>
    public static async Task RequireAsync(ObjectStoreOptions options, TimeSpan patience, Action<string> tell, CancellationToken cancellationToken)
    {
        using var requests = new S3Requests(options);
        var isTold = false;
        for (var began = TimeProvider.System.GetTimestamp(); ;)
        {
            try
            {
                await ProbeAsync(requests, cancellationToken);
                break;
            }
            catch (ObjectStoreException away) when (away.InnerException is { } cause && S3Failures.IsPassing(cause) && TimeProvider.System.GetElapsedTime(began) < patience)
            {
                if (!isTold) tell(string.Create(CultureInfo.InvariantCulture, $"{away.Message} It may be starting: it is tried again, for {patience.TotalSeconds:0} s in all."));
                isTold = true;
                await Task.Delay(s_look, TimeProvider.System, cancellationToken);
            }
        }

        await RemoveLeftoversAsync(requests, TimeProvider.System.GetUtcNow().UtcDateTime - s_leftoverAge, tell, cancellationToken);
    }

    private static async Task ProbeAsync(S3Requests requests, CancellationToken cancellationToken)
    {
        var name = $"{PrefixOf(requests.Options)}.probe-{Guid.NewGuid():N}";
        var content = Guid.NewGuid().ToByteArray();
        await requests.RunAsync(attempt => requests.Client.PutObjectAsync(
            new PutObjectRequest { BucketName = requests.Bucket, Key = name, InputStream = new MemoryStream(content), UseChunkEncoding = false }, attempt.Token), cancellationToken);
        var read = await requests.RunAsync(async attempt =>
        {
            using var answer = await requests.Client.GetObjectAsync(requests.Bucket, name, attempt.Token);
            using var copy = new MemoryStream();
            await answer.ResponseStream.CopyToAsync(copy, attempt.Token);
            return copy.ToArray();
        }, cancellationToken);
        await requests.RunAsync(attempt => requests.Client.DeleteObjectAsync(requests.Bucket, name, attempt.Token), cancellationToken);
        await requests.RunAsync(attempt => requests.Client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = requests.Bucket, Prefix = name, MaxKeys = 1 }, attempt.Token), cancellationToken);
        if (!content.AsSpan().SequenceEqual(read))
            throw new ObjectStoreException($"The {requests.Options.Describe()} gave back {read.Length} other bytes for an object of {content.Length} that was just written. Use another store.");
    }

    /// <summary>Removes the parts of uploads that were begun before a time. That it can't keeps nobody from starting.</summary>
    internal static async Task RemoveLeftoversAsync(S3Requests requests, DateTime before, Action<string> tell, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var upload in requests.ListUploadsAsync(PrefixOf(requests.Options), cancellationToken))
            {
                if (upload.Initiated is { } initiated && initiated.ToUniversalTime() < before)
                    await AbortAsync(requests, upload, cancellationToken);
            }
        }
        catch (ObjectStoreException refused)
        {
            tell($"Parts of uploads that were broken off could not be looked for, and may stay in the store: {refused.Message} A lifecycle rule of the bucket (AbortIncompleteMultipartUpload) removes them as well.");
        }
    }

    private static Task<bool> AbortAsync(S3Requests requests, MultipartUpload upload, CancellationToken cancellationToken) => requests.RunAsync(async attempt =>
    {
        try
        {
            await requests.Client.AbortMultipartUploadAsync(requests.Bucket, upload.Key, upload.UploadId, attempt.Token);
            return true;
        }
        catch (AmazonS3Exception gone) when (gone.ErrorCode == "NoSuchUpload")
        {
            return false; // another process was faster
        }
    }, cancellationToken);

    private static string PrefixOf(ObjectStoreOptions options) => string.IsNullOrEmpty(options.Prefix) ? "" : options.Prefix + "/";
}
