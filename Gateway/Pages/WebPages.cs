using System.Security.Cryptography;
using Emu3.Gateway.Access;

namespace Emu3.Gateway.Pages;

/// <summary>
/// Playground and job pages: a few files inside the program, the same for everyone. What they show comes over the public API, with the visitor's own key,
/// so that the pages themselves need none.
/// </summary>
internal static class WebPages
{
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/", () => Results.Redirect("/playground")).WithMetadata(OpenRoute.Metadata).ExcludeFromDescription();
        Map(routes, "/playground", "playground.html", "text/html; charset=utf-8");
        Map(routes, "/jobs", "jobs.html", "text/html; charset=utf-8");
        Map(routes, "/jobs/{id}", "job.html", "text/html; charset=utf-8");
        Map(routes, "/pages/emu3.css", "emu3.css", "text/css; charset=utf-8");
        Map(routes, "/pages/emu3.js", "emu3.js", "text/javascript; charset=utf-8");
    }

    private static void Map(IEndpointRouteBuilder routes, string path, string name, string contentType)
    {
        var content = Read(name);
        var tag = new Microsoft.Net.Http.Headers.EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content))[..16]}\"");
        routes.MapGet(path, (HttpResponse response) =>
        {
            response.Headers.ContentSecurityPolicy = Policy;
            response.Headers.XContentTypeOptions = "nosniff";
            response.Headers["Referrer-Policy"] = "no-referrer";
            response.Headers.CacheControl = "no-cache"; // asked for again by its tag, so that page and script are always of one program
            return Results.Bytes(content, contentType, entityTag: tag);
        }).WithMetadata(OpenRoute.Metadata).ExcludeFromDescription();
    }

    private static byte[] Read(string name)
    {
        using var stream = typeof(WebPages).Assembly.GetManifestResourceStream($"Emu3.Gateway.Pages.{name}") ?? throw new InvalidOperationException($"The page {name} is not in the program.");
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }
}
