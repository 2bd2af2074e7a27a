using System.Net;

namespace Emu3.Gateway.Access;

/// <summary>
/// Stands before a gateway without keys. Whatever a browser on this machine shows can send requests to loopback addresses: straight on, or by a name of its
/// own that it lets point here (DNS rebinding), and then read the answers too. So the gateway answers only to names that are this machine's own, and changes
/// nothing for pages of other sites.
/// </summary>
/// <param name="publicAddress">What clients call it beside that; null when nothing is configured.</param>
/// <param name="allowedOrigins">Other sites whose pages may do what this machine may (<see cref="CrossOrigin"/>).</param>
internal sealed class HostCheck(string? publicAddress, params IEnumerable<string> allowedOrigins)
{
    private readonly string? _publicHost = publicAddress is null ? null : new Uri(publicAddress).Host;
    private readonly HashSet<string> _allowedOrigins = new(allowedOrigins, StringComparer.OrdinalIgnoreCase);

    /// <summary>As middleware, behind the one that gives failures their answers.</summary>
    public Task Handle(HttpContext http, RequestDelegate next) => Refuse(http.Request) is { } refusal ? refusal.ExecuteAsync(http) : next(http);

    /// <summary>Null when the request may come in.</summary>
    internal FailureResponse? Refuse(HttpRequest request)
    {
        if (!IsOurs(request.Host.Host)) return FailureResponses.WrongHost(request.Host.Value ?? "");
        // A browser names the site that a request comes from in every one that may change something.
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || request.Headers.Origin.ToString() is not { Length: > 0 } origin) return null;
        if (_allowedOrigins.Contains(origin)) return null;
        return Uri.TryCreate(origin, UriKind.Absolute, out var site) && IsOurs(site.Host) ? null : FailureResponses.CrossSite(origin);
    }

    /// <summary>A loopback address, <c>localhost</c>, or the configured name: none that a stranger could point here.</summary>
    private bool IsOurs(string host)
    {
        var name = host.TrimEnd('.');
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || name.Equals(_publicHost, StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address));
    }
}
