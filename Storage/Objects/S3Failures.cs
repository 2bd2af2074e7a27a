using System.Net;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.S3;

namespace Emu3.Storage.Objects;

/// <summary>Reads the SDK's exceptions: whether a repetition may help, and what a person must know. No text of these holds a secret, a token or a signature.</summary>
internal static class S3Failures
{
    /// <summary>By code and not by status: an answer that began with 200 can end in an error (completion of parts, removal of many).</summary>
    private static readonly string[] s_passing =
        ["InternalError", "ServiceUnavailable", "SlowDown", "RequestTimeout", "OperationAborted", "ConditionalRequestConflict", "ExpiredToken", "BadDigest"];

    /// <summary>Whether the same request may do better in a moment. A cancellation counts: whose it is, the caller knows.</summary>
    public static bool IsPassing(Exception failure) => failure switch
    {
        AmazonServiceException { ErrorCode: { } code } when s_passing.Contains(code) => true,
        AmazonServiceException { StatusCode: not 0 } answer =>
            answer.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout
            || (answer.StatusCode >= HttpStatusCode.InternalServerError && answer.StatusCode != HttpStatusCode.NotImplemented),
        AmazonServiceException { InnerException: { } cause } => IsPassing(cause),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } broken => broken.InnerException is not AuthenticationException,
        HttpRequestException or IOException or TimeoutException or OperationCanceledException => true,
        // What arrived is not what the store says that it holds.
        AmazonClientException { Message: "Expected hash not equal to calculated hash" } => true,
        _ => false,
    };

    /// <summary>No such object. A missing bucket is 404 as well, and is no such thing.</summary>
    public static bool IsMissing(AmazonS3Exception failure) => failure.StatusCode == HttpStatusCode.NotFound && failure.ErrorCode is "NoSuchKey" or "NotFound";

    /// <summary>The store can't do it, or can't in the form in which this SDK asks.</summary>
    public static bool IsUnknownToStore(AmazonS3Exception failure) => failure.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.NotImplemented or HttpStatusCode.MethodNotAllowed;

    /// <summary>A failure of the SDK's or of the connection's, as others are told of it: which store, what happened, which setting and what to do.</summary>
    public static ObjectStoreException Explain(Exception failure, ObjectStoreOptions options) =>
        failure as ObjectStoreException ?? new($"{Capital(options.Describe())} {Reason(failure, options)}", failure);

    /// <summary>Whether it is one that <see cref="Explain"/> is for, and not a bug or the caller's own.</summary>
    public static bool IsOfTheStore(Exception failure) => failure is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or TimeoutException or UnauthorizedAccessException;

    /// <summary>One word or two for metrics: the status, or what kept the answer away.</summary>
    public static string Kind(Exception failure) => failure switch
    {
        AmazonServiceException { StatusCode: not 0 } answer => $"{(int)answer.StatusCode}",
        OperationCanceledException or TimeoutException => "timeout",
        _ => "connection",
    };

    private static string Reason(Exception failure, ObjectStoreOptions options) => failure switch
    {
        AmazonServiceException { StatusCode: not 0 } answer => $"refuses: {Told(answer)}. {Remedy(answer, options)}".TrimEnd(),
        AmazonServiceException { InnerException: { } cause } => Reason(cause, options),
        HttpRequestException { InnerException: AuthenticationException cause } when options.Endpoint?.StartsWith("https", StringComparison.OrdinalIgnoreCase) != false =>
            $"can't be trusted: {Sentence((cause.InnerException ?? cause).Message)} Name the file with the authority of its certificate as Cluster:S3:CaFile, and check that "
            + "Cluster:S3:Endpoint has the name that is in the certificate, and a port that speaks https.",
        OperationCanceledException or TimeoutException => $"does not answer within {options.AttemptTimeout.TotalSeconds:0.#} s. Check Cluster:S3:Endpoint and the store; Cluster:S3:AttemptTimeout says how long an answer may take.",
        HttpRequestException or IOException => $"does not answer: {Sentence(failure.Message)} Check Cluster:S3:Endpoint and the store.",
        UnauthorizedAccessException => $"can't be asked: {Sentence(failure.Message)} Give this user the right to read the files of Cluster:S3:AccessKeyFile and SecretKeyFile.",
        AmazonClientException when !options.HasKeyFiles =>
            $"can't be asked, since no credentials were found: {Sentence(failure.Message)} Name files that hold them as Cluster:S3:AccessKeyFile and SecretKeyFile, or set AWS_ACCESS_KEY_ID "
            + "and AWS_SECRET_ACCESS_KEY. Outside of Amazon AWS_EC2_METADATA_DISABLED=true spares the search for a machine's role.",
        _ => $"can't be used: {Sentence(failure.Message)}",
    };

    /// <summary>Some stores send no message, and the SDK's is then empty: code, status and request id always tell something.</summary>
    private static string Told(AmazonServiceException answer)
    {
        var request = string.IsNullOrEmpty(answer.RequestId) ? "" : $" (request {answer.RequestId})";
        var message = string.IsNullOrWhiteSpace(answer.Message) || answer.Message.Contains("Exception of type", StringComparison.Ordinal) ? "" : $", {answer.Message.TrimEnd('.')}";
        return $"{(int)answer.StatusCode} {answer.ErrorCode}{message}{request}";
    }

    private static string Remedy(AmazonServiceException answer, ObjectStoreOptions options)
    {
        var (key, secret) = options.HasKeyFiles
            ? ($"the file of Cluster:S3:AccessKeyFile ({options.AccessKeyFile})", $"the file of Cluster:S3:SecretKeyFile ({options.SecretKeyFile})")
            : ("the access key that the SDK's chain found (AWS_ACCESS_KEY_ID, a web identity, a profile)", "the secret that the SDK's chain found (AWS_SECRET_ACCESS_KEY, a profile)");
        return answer.ErrorCode switch
        {
            "NoSuchBucket" => "There is no such bucket: make it, or name another as Cluster:S3:Bucket.",
            "InvalidAccessKeyId" => $"The store does not know the access key: check {key}.",
            "SignatureDoesNotMatch" => $"The secret is not that of the access key: check {secret}.",
            "RequestTimeTooSkewed" or "RequestExpired" => "The clocks of this machine and of the store differ by more than the store allows, usually 15 minutes: run NTP on both.",
            "AuthorizationHeaderMalformed" or "PermanentRedirect" or "IllegalLocationConstraintException" => "The bucket is in another region: name that as Cluster:S3:Region.",
            "ExpiredToken" or "InvalidToken" => "The session of the credentials has ended: check what renews them.",
            "QuotaExceeded" or "EntityTooLarge" or "StorageFull" or "XMinioStorageFull" => "The store has no room for it: raise its quota, or remove old jobs.",
            _ when answer.StatusCode == HttpStatusCode.Forbidden =>
                "Give the access key the right to get, put, delete and list objects of the bucket, and to list and abort multipart uploads (s3:GetObject, s3:PutObject, s3:DeleteObject, "
                + "s3:ListBucket, s3:ListBucketMultipartUploads, s3:AbortMultipartUpload).",
            _ => "",
        };
    }

    private static string Sentence(string text) => text.TrimEnd('.', ' ') + ".";

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
