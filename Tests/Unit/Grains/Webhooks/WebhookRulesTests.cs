using Emu3.Grains.Webhooks;

namespace Emu3.Tests.Unit.Grains.Webhooks;

[Trait("Suite", "Fast")]
public sealed class WebhookRulesTests
{
    private static readonly WebhookRules s_usual = new(new());

    [Theory]
    [InlineData("https://example.org/hooks?a=b")]
    [InlineData("https://example.org:8443/")]
    [InlineData("https://8.8.8.8/x")]
    [InlineData("https://[2606:4700:4700::1111]/x")]
    [InlineData("https://bücher.example/x")]
    [InlineData("HTTPS://EXAMPLE.ORG")]
    public void Address_OfAPublicReceiver_IsTaken(string url) => Assert.Null(s_usual.Check(url));

    [Theory]
    [InlineData("", "https://")]
    [InlineData("example.org/x", "https://")]
    [InlineData("/x", "https://")]
    [InlineData("http://example.org/x", "https://")]
    [InlineData("ftp://example.org/x", "https://")]
    [InlineData("file:///etc/passwd", "https://")]
    [InlineData("gopher://example.org/", "https://")]
    [InlineData("https://exam ple.org/", "spaces")]
    [InlineData("https://example.org/\nx", "spaces")]
    [InlineData("https:\\\\example.org", "https://")]
    [InlineData("https://user:secret@example.org/", "user name")]
    [InlineData("https://user@example.org/", "user name")]
    [InlineData("https://example.org/#part", "fragment")]
    [InlineData("https://example.org:0/", "port 0")]
    [InlineData("https://127.0.0.1/", "public internet")]
    [InlineData("https://127.1/", "public internet")]
    [InlineData("https://2130706433/", "public internet")]
    [InlineData("https://0x7f.1/", "public internet")]
    [InlineData("https://0177.0.0.1/", "public internet")]
    [InlineData("https://127.0.0.1./", "public internet")]
    [InlineData("https://１２７.0.0.1/", "public internet")]
    [InlineData("https://0.0.0.0/", "public internet")]
    [InlineData("https://10.0.0.1:8443/", "public internet")]
    [InlineData("https://169.254.169.254/latest/meta-data/", "public internet")]
    [InlineData("https://[::1]/", "public internet")]
    [InlineData("https://[::]/", "public internet")]
    [InlineData("https://[::ffff:127.0.0.1]/", "public internet")]
    [InlineData("https://[::ffff:a9fe:a9fe]/", "public internet")]
    [InlineData("https://[64:ff9b::10.0.0.1]/", "public internet")]
    [InlineData("https://[fe80::1%25eth0]/", "public internet")]
    [InlineData("https://[fd00::1]/", "public internet")]
    [InlineData("https://localhost/", "public internet")]
    [InlineData("https://LocalHost.:8443/", "public internet")]
    [InlineData("https://x.localhost/", "public internet")]
    public void Address_OfAnythingElse_IsRefused_AndSaysWhy(string url, string reason) =>
        Assert.Contains(reason, s_usual.Check(url), StringComparison.Ordinal);

    [Fact]
    public void Address_ThatIsTooLong_IsRefused() => Assert.Contains("2048", s_usual.Check($"https://example.org/{new string('x', 2048)}"), StringComparison.Ordinal);

    [Fact]
    public void Address_InsideAnAllowedNetwork_IsTaken()
    {
        var rules = new WebhookRules(new() { AllowHttp = true, AllowedNetworks = ["127.0.0.0/8"] });

        Assert.Null(rules.Check("http://127.0.0.1:5000/x"));
        Assert.Null(rules.Check("http://localhost:5000/x"));
        Assert.NotNull(rules.Check("http://10.0.0.1/x"));
        Assert.NotNull(rules.Check("ftp://127.0.0.1/x"));
    }
}
