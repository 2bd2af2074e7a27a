using Emu3.Gateway.Access;
using Microsoft.AspNetCore.Http;

namespace Emu3.Tests.Unit.Gateway.Access;

/// <summary>Who may call a gateway without keys, and by which name.</summary>
[Trait("Suite", "Fast")]
public sealed class HostCheckTests
{
    [Theory]
    [InlineData("localhost:8080", null)]
    [InlineData("LocalHost", null)]
    [InlineData("localhost.:8080", null)]
    [InlineData("127.0.0.1:8080", null)]
    [InlineData("127.8.9.10", null)]
    [InlineData("[::1]:8080", null)]
    [InlineData("pictures.example.org", null)]
    [InlineData("pictures.example.org:8443", null)]
    [InlineData("evil.example:8080", 421)]
    [InlineData("localhost.evil.example", 421)]
    [InlineData("127.0.0.1.evil.example", 421)]
    [InlineData("pictures.example.org.evil.example", 421)]
    [InlineData("0.0.0.0:8080", 421)]
    [InlineData("10.0.0.7", 421)]
    [InlineData("", 421)]
    public void Host_ThatIsNotThisMachines_IsRefused(string host, int? status) => Assert.Equal(status, Refuse("GET", host, null));

    [Theory]
    [InlineData("POST", "http://localhost:3000", null)]
    [InlineData("POST", "http://127.0.0.1:8080", null)]
    [InlineData("POST", "https://pictures.example.org", null)]
    [InlineData("POST", null, null)]
    [InlineData("GET", "https://evil.example", null)]
    [InlineData("POST", "https://evil.example", 403)]
    [InlineData("DELETE", "https://evil.example", 403)]
    [InlineData("POST", "https://localhost.evil.example", 403)]
    [InlineData("POST", "https://app.example.org", null)]
    [InlineData("POST", "https://app.example.org:8443", 403)]
    [InlineData("POST", "http://app.example.org", 403)]
    [InlineData("POST", "https://app.example.org.evil.example", 403)]
    [InlineData("POST", "null", 403)]
    [InlineData("POST", "file://", 403)]
    public void Origin_OfAnotherSite_ChangesNothing(string method, string? origin, int? status) => Assert.Equal(status, Refuse(method, "127.0.0.1:8080", origin));

    [Fact]
    public void Refusal_SaysWhatIsAllowed_AndWhereItIsConfigured()
    {
        var request = Request("GET", "evil.example", null);
        var message = new HostCheck(null).Refuse(request)!.Body.Message;

        foreach (var part in (string[])["localhost", "evil.example", "Gateway:PublicAddress", "Gateway:Keys=Required"]) Assert.Contains(part, message, StringComparison.Ordinal);
    }

    private static int? Refuse(string method, string host, string? origin) => new HostCheck("https://pictures.example.org:8443/x", "https://app.example.org").Refuse(Request(method, host, origin))?.Status;

    private static HttpRequest Request(string method, string host, string? origin)
    {
        var request = new DefaultHttpContext().Request;
        (request.Method, request.Host) = (method, new HostString(host));
        if (origin is not null) request.Headers.Origin = origin;
        return request;
    }
}
