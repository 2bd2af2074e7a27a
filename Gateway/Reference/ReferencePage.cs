using Emu3.Gateway.Access;
using Scalar.AspNetCore;

namespace Emu3.Gateway.Reference;

/// <summary>The API reference at <c>/reference</c>: Scalar's page, from inside the program, with nothing of it from anywhere else.</summary>
internal static class ReferencePage
{
    public const string Path = "/reference";

    public static void Map(IEndpointRouteBuilder routes) => routes.MapScalarApiReference(Path, (options, http) =>
    {
        options.Title = "API · Emu3";
        options.OpenApiRoutePattern = ApiDocument.Path;
        options.Favicon = "data:,";
        options.ShowDeveloperTools = DeveloperToolsVisibility.Never;
        // No font, proxy, assistant or count of visits of Scalar's own.
        options.DisableDefaultFonts().DisableTelemetry().DisableAgent().DisableMcp().HideClientButton();
        options.AddHeaderContent("""<nav style="padding:.6rem 1.5rem;font:16px system-ui,sans-serif"><strong>Emu3</strong> &nbsp; <a href="/playground">Playground</a> · <a href="/jobs">Jobs</a> · <a href="/reference">API</a></nav>""");
        options.WithNonce();
        Protect(http);
    }).WithMetadata(OpenRoute.Metadata);

    /// <summary>The browser holds the page to it: it may speak to this gateway and to nobody else.</summary>
    private static void Protect(HttpContext http) => http.Response.OnStarting(() =>
    {
        if (http.Items.TryGetValue(ScalarOptions.NonceHttpContextItemKey, out var nonce))
            http.Response.Headers.ContentSecurityPolicy =
                $"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' blob: data:; font-src 'self' data:; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers["Referrer-Policy"] = "no-referrer";
        return Task.CompletedTask;
    });
}
