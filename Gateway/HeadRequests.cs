namespace Emu3.Gateway;

/// <summary>
/// HEAD on every route that has GET (RFC 9110, 9.3.2): routing sees a GET, the route sees the HEAD and may leave out work, and the server sends no body.
/// </summary>
internal static class HeadRequests
{
    /// <summary>Puts routing, with this around it, before all that follows.</summary>
    public static void UseRoutingWithHead(this WebApplication app)
    {
        app.Use((http, next) =>
        {
            if (!HttpMethods.IsHead(http.Request.Method)) return next(http);
            http.Items[typeof(HeadRequests)] = true;
            http.Request.Method = HttpMethods.Get;
            return next(http);
        });
        app.UseRouting();
        app.Use((http, next) =>
        {
            if (http.Items.ContainsKey(typeof(HeadRequests))) http.Request.Method = HttpMethods.Head;
            return next(http);
        });
    }
}
