using Emu3.Benchmarks.Processes;
using Emu3.Storage.Objects;
using Emu3.Tests.Fakes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Emu3.Tests.Cluster;

/// <summary>Credentials that no setting names: a process finds them as Amazon's SDK does.</summary>
[Trait("Suite", "Cluster")]
public sealed class ObjectStoreCredentialTests(ObjectStoreFixture stores) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Variables_WithKeyAndSecret_AreEnough()
    {
        var options = await stores.InCephAsync();
        using (var store = new S3BlobStore(options))
        {
            await store.WriteAsync("a", "abc"u8.ToArray(), Cancellation);
            await store.WriteAsync("SHA256SUMS", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n"u8.ToArray(), Cancellation);
        }

        var (exitCode, text) = await FetchAsync(options, new() { ["AWS_ACCESS_KEY_ID"] = CephServer.AccessKey, ["AWS_SECRET_ACCESS_KEY"] = CephServer.SecretKey });

        Assert.True(exitCode == 0, text);
        Assert.Equal("abc", await File.ReadAllTextAsync(_folder.PathTo("model", "a"), Cancellation));
    }

    [Fact]
    public async Task WebIdentity_IsExchangedAtTheTokenService_AndItsKeysAreUsed()
    {
        var options = await stores.InCephAsync();
        var asked = new List<IFormCollection>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var tokens = builder.Build();
        tokens.Urls.Add("http://127.0.0.1:0");
        tokens.MapPost("/", async (HttpRequest request) =>
        {
            var form = await request.ReadFormAsync(Cancellation);
            lock (asked) asked.Add(form);
            return Results.Text($"""
                <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
                <Credentials><AccessKeyId>kakapo-id</AccessKeyId><SecretAccessKey>kakapo-secret</SecretAccessKey><SessionToken>kakapo-session</SessionToken>
                <Expiration>{TimeProvider.System.GetUtcNow().AddHours(1):yyyy-MM-ddTHH:mm:ssZ}</Expiration></Credentials>
                </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>
                """, "text/xml");
        });
        await tokens.StartAsync(Cancellation);
        await File.WriteAllTextAsync(_folder.PathTo("token"), "the-web-identity", Cancellation);

        var (exitCode, text) = await FetchAsync(options, new()
        {
            ["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/emu3",
            ["AWS_WEB_IDENTITY_TOKEN_FILE"] = _folder.PathTo("token"),
            ["AWS_REGION"] = "us-east-1",
            ["AWS_ENDPOINT_URL_STS"] = tokens.Urls.Single(),
        });

        // The store knows no key that this service gave: it refuses, and that it was asked with it shows that all else worked.
        Assert.Contains(asked, form => form["Action"] == "AssumeRoleWithWebIdentity" && form["WebIdentityToken"] == "the-web-identity");
        Assert.Equal(3, exitCode);
        Assert.Contains("refuses: 403", text, StringComparison.Ordinal);
        Assert.DoesNotContain("kakapo-secret", text, StringComparison.Ordinal);
        Assert.DoesNotContain("kakapo-session", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task None_AreAskedForByTheNamesOfSettingsAndVariables()
    {
        var (exitCode, text) = await FetchAsync(await stores.InCephAsync(), []);

        Assert.Equal(3, exitCode);
        Assert.Contains("no credentials were found", text, StringComparison.Ordinal);
        Assert.Contains("Cluster:S3:AccessKeyFile", text, StringComparison.Ordinal);
        Assert.Contains("AWS_ACCESS_KEY_ID", text, StringComparison.Ordinal);
    }

    private async Task<(int ExitCode, string Text)> FetchAsync(ObjectStoreOptions options, Dictionary<string, string> environment)
    {
        environment["Cluster__S3__Endpoint"] = options.Endpoint!;
        environment["AWS_EC2_METADATA_DISABLED"] = "true";
        environment["HOME"] = _folder.FullPath; // no profile of whoever runs the tests
        await using var emu = EmuProcess.Start(environment, "models", "fetch", $"s3://{options.Bucket}/{options.Prefix}", _folder.PathTo("model"));
        return (await emu.EndAsync(Cancellation), emu.Text);
    }
}
