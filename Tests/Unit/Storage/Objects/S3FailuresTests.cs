using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.S3;
using Emu3.Storage.Objects;

namespace Emu3.Tests.Unit.Storage.Objects;

[Trait("Suite", "Fast")]
public sealed class S3FailuresTests
{
    private static readonly ObjectStoreOptions s_options = new() { Endpoint = "https://store", Bucket = "b", AccessKeyFile = "/run/id", SecretKeyFile = "/run/secret" };

    [Theory]
    [InlineData(HttpStatusCode.InternalServerError, "InternalError", true)]
    [InlineData(HttpStatusCode.BadGateway, "", true)]
    [InlineData(HttpStatusCode.ServiceUnavailable, "SlowDown", true)]
    [InlineData(HttpStatusCode.GatewayTimeout, "", true)]
    [InlineData(HttpStatusCode.TooManyRequests, "", true)]
    [InlineData(HttpStatusCode.RequestTimeout, "", true)]
    [InlineData(HttpStatusCode.BadRequest, "RequestTimeout", true)]
    [InlineData(HttpStatusCode.BadRequest, "ExpiredToken", true)]
    [InlineData(HttpStatusCode.BadRequest, "BadDigest", true)]
    [InlineData(HttpStatusCode.Conflict, "OperationAborted", true)]
    [InlineData(HttpStatusCode.OK, "InternalError", true)] // begun with 200, and ended with an error
    [InlineData(HttpStatusCode.NotImplemented, "NotImplemented", false)]
    [InlineData(HttpStatusCode.BadRequest, "InvalidRequest", false)]
    [InlineData(HttpStatusCode.Forbidden, "AccessDenied", false)]
    [InlineData(HttpStatusCode.NotFound, "NoSuchBucket", false)]
    [InlineData(HttpStatusCode.PreconditionFailed, "PreconditionFailed", false)]
    public void Answer_IsRepeated_WhenAnotherMayCome(HttpStatusCode status, string code, bool isPassing) => Assert.Equal(isPassing, S3Failures.IsPassing(Answer(status, code)));

    [Fact]
    public void NoAnswer_IsRepeated_ButForACertificate()
    {
        Assert.True(S3Failures.IsPassing(new HttpRequestException(HttpRequestError.ConnectionError, inner: new SocketException(111))));
        Assert.True(S3Failures.IsPassing(new HttpIOException(HttpRequestError.ResponseEnded)));
        Assert.True(S3Failures.IsPassing(new TaskCanceledException()));
        Assert.True(S3Failures.IsPassing(new AmazonClientException("Expected hash not equal to calculated hash")));
        // A handshake that is cut is no certificate that is wrong.
        Assert.True(S3Failures.IsPassing(new HttpRequestException(HttpRequestError.SecureConnectionError, inner: new IOException("reset"))));
        Assert.False(S3Failures.IsPassing(new HttpRequestException(HttpRequestError.SecureConnectionError, inner: new AuthenticationException("untrusted"))));
        Assert.False(S3Failures.IsPassing(new InvalidOperationException("a bug")));
    }

    [Theory]
    [InlineData(HttpStatusCode.NotFound, "NoSuchBucket", "Cluster:S3:Bucket")]
    [InlineData(HttpStatusCode.Forbidden, "InvalidAccessKeyId", "Cluster:S3:AccessKeyFile (/run/id)")]
    [InlineData(HttpStatusCode.Forbidden, "SignatureDoesNotMatch", "Cluster:S3:SecretKeyFile (/run/secret)")]
    [InlineData(HttpStatusCode.Forbidden, "RequestTimeTooSkewed", "run NTP")]
    [InlineData(HttpStatusCode.Forbidden, "AccessDenied", "s3:PutObject")]
    [InlineData(HttpStatusCode.BadRequest, "AuthorizationHeaderMalformed", "Cluster:S3:Region")]
    public void Explanation_NamesTheSettingOrTheRemedy(HttpStatusCode status, string code, string remedy)
    {
        var told = S3Failures.Explain(Answer(status, code), s_options).Message;

        Assert.StartsWith("Bucket b of the object store https://store refuses: ", told, StringComparison.Ordinal);
        Assert.Contains($"{(int)status} {code}", told, StringComparison.Ordinal);
        Assert.Contains("(request tx-1)", told, StringComparison.Ordinal);
        Assert.Contains(remedy, told, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingBucket_IsNoMissingObject()
    {
        Assert.True(S3Failures.IsMissing(Answer(HttpStatusCode.NotFound, "NoSuchKey")));
        Assert.True(S3Failures.IsMissing(Answer(HttpStatusCode.NotFound, "NotFound"))); // of a HEAD
        Assert.False(S3Failures.IsMissing(Answer(HttpStatusCode.NotFound, "NoSuchBucket")));
        Assert.False(S3Failures.IsMissing(Answer(HttpStatusCode.NotFound, "NoSuchUpload")));
    }

    private static AmazonS3Exception Answer(HttpStatusCode status, string code) => new("", ErrorType.Unknown, code, "tx-1", status);
}
