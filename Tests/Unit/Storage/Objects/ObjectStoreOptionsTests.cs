using System.Globalization;
using Emu3.Storage;
using Emu3.Storage.Configuration;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.Configuration;

namespace Emu3.Tests.Unit.Storage.Objects;

/// <summary>What a process is told of its object store, and how it refuses what is wrong.</summary>
[Trait("Suite", "Fast")]
public sealed class ObjectStoreOptionsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_OfAllSettings_HasNoProblem_AndNoFolderIsWatched()
    {
        File.WriteAllText(_folder.PathTo("id"), "id\n");
        File.WriteAllText(_folder.PathTo("secret"), "secret\n");

        var connection = Read(
            ("Blobs", "s3"), ("S3:Endpoint", "https://s3.example.org:8443"), ("S3:Bucket", "pictures"), ("S3:Prefix", "team/emu3"), ("S3:Region", "eu-central-1"),
            ("S3:AccessKeyFile", _folder.PathTo("id")), ("S3:SecretKeyFile", _folder.PathTo("secret")), ("S3:SignedUrls", "true"), ("S3:PublicEndpoint", "https://pictures.example.org"),
            ("S3:AttemptTimeout", "00:00:10"), ("S3:Patience", "00:01:00"));

        Assert.Equal("bucket pictures of the object store https://s3.example.org:8443", connection.S3.Describe());
        Assert.True(connection.S3 is { IsPathStyle: true, HasKeyFiles: true, SigningRegion: "eu-central-1" });
        Assert.Empty(connection.Folders);
    }

    [Fact]
    public void PathStyle_IsOffOnAmazon_AndOnElsewhere_UnlessItIsSaid()
    {
        Assert.False(Read(("Blobs", "s3"), ("S3:Bucket", "b")).S3.IsPathStyle);
        Assert.True(Read(("Blobs", "s3"), ("S3:Bucket", "b"), ("S3:Endpoint", "http://store:9000")).S3.IsPathStyle);
        Assert.False(Read(("Blobs", "s3"), ("S3:Bucket", "b"), ("S3:Endpoint", "http://store:9000"), ("S3:PathStyle", "false")).S3.IsPathStyle);
    }

    [Theory]
    [InlineData("Cluster:Blobs", "must be folder or s3", "Blobs=S3")]
    [InlineData("Cluster:S3:Bucket", "must name a bucket", "Blobs=s3")]
    [InlineData("Cluster:S3:Bucket", "without slashes", "Blobs=s3 S3:Bucket=a/b")]
    [InlineData("Cluster:S3:Bucket", "Cluster:Blobs is folder", "S3:Bucket=b")]
    [InlineData("Cluster:S3:Endpoint", "Cluster:Blobs is folder", "S3:Endpoint=http://store")]
    [InlineData("Cluster:BlobFolder", "Cluster:Blobs is s3", "Blobs=s3 S3:Bucket=b BlobFolder=/mnt")]
    [InlineData("Cluster:S3:Endpoint", "must be http or https", "Blobs=s3 S3:Bucket=b S3:Endpoint=store:9000")]
    [InlineData("Cluster:S3:Endpoint", "must be http or https", "Blobs=s3 S3:Bucket=b S3:Endpoint=http://store/bucket")]
    [InlineData("Cluster:S3:Endpoint", "must be http or https", "Blobs=s3 S3:Bucket=b S3:Endpoint=http://key:secret@store")]
    [InlineData("Cluster:S3:PublicEndpoint", "must be http or https", "Blobs=s3 S3:Bucket=b S3:PublicEndpoint=ftp://store")]
    [InlineData("Cluster:S3:Prefix", "joined by '/'", "Blobs=s3 S3:Bucket=b S3:Prefix=/emu3/")]
    [InlineData("Cluster:S3:SecretKeyFile", "belong together", "Blobs=s3 S3:Bucket=b S3:AccessKeyFile=filled")]
    [InlineData("Cluster:S3:AccessKeyFile", "belong together", "Blobs=s3 S3:Bucket=b S3:SecretKeyFile=filled")]
    [InlineData("Cluster:S3:SecretKeyFile", "can't be read", "Blobs=s3 S3:Bucket=b S3:AccessKeyFile=filled S3:SecretKeyFile=missing")]
    [InlineData("Cluster:S3:SecretKeyFile", "is empty", "Blobs=s3 S3:Bucket=b S3:AccessKeyFile=filled S3:SecretKeyFile=empty")]
    [InlineData("Cluster:S3:CaFile", "can't be read", "Blobs=s3 S3:Bucket=b S3:CaFile=missing")]
    [InlineData("Cluster:S3:CaFile", "has none", "Blobs=s3 S3:Bucket=b S3:CaFile=filled")]
    [InlineData("Cluster:S3:AttemptTimeout", "must be from", "Blobs=s3 S3:Bucket=b S3:AttemptTimeout=00:00:00")]
    [InlineData("Cluster:S3:SlowestUpload", "must be at least 1024", "Blobs=s3 S3:Bucket=b S3:SlowestUpload=0")]
    [InlineData("Cluster:S3:Patience", "must be from", "Blobs=s3 S3:Bucket=b S3:Patience=1.00:00:00")]
    public void Read_OfSomethingWrong_NamesTheSetting_AndNoSecret(string setting, string reason, string told)
    {
        File.WriteAllText(_folder.PathTo("filled"), "opossum-secret");
        File.WriteAllText(_folder.PathTo("empty"), " \n");
        var pairs = told.Split(' ').Select(pair => pair.Split('=', 2))
            .Select(pair => (pair[0], pair[0].EndsWith("File", StringComparison.Ordinal) ? _folder.PathTo(pair[1]) : pair[1]));

        var wrong = Assert.Throws<ConfigurationException>(() => Read([.. pairs]));

        var problem = Assert.Single(wrong.Problems);
        Assert.StartsWith(setting + ":", problem, StringComparison.Ordinal);
        Assert.Contains(reason, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("opossum", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OfAMisspeltKey_NamesIt() =>
        Assert.Contains("Buket", Assert.Single(Assert.Throws<ConfigurationException>(() => Read(("Blobs", "s3"), ("S3:Buket", "b"))).Problems), StringComparison.Ordinal);

    private static ClusterConnection Read(params (string Key, string Value)[] pairs)
    {
        var reader = new ConfigurationReader(new ConfigurationBuilder()
            .AddInMemoryCollection(pairs.ToDictionary(pair => string.Create(CultureInfo.InvariantCulture, $"Cluster:{pair.Key}"), pair => (string?)pair.Value)).Build());
        var connection = reader.Section<ClusterConnection>(ClusterConnection.Section);
        reader.ThrowIfWrong();
        return connection;
    }
}
