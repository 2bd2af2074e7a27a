using System.Security.Cryptography;
using System.Text;
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
        MapPage(routes, "/playground", "playground", "Playground");
        MapPage(routes, "/jobs", "jobs", "Jobs");
        MapPage(routes, "/jobs/{id}", "job", "Job");
        Map(routes, "/pages/emu3.css", Read("emu3.css"), "text/css; charset=utf-8");
        foreach (var script in (ReadOnlySpan<string>)["emu3.js", "api.js", "playground.js", "recipe.js", "jobs.js", "job.js", "tiles.js"])
            Map(routes, $"/pages/{script}", Read(script), "text/javascript; charset=utf-8");
    }

    /// <summary>A page: its own file within the frame that all have.</summary>
    private static void MapPage(IEndpointRouteBuilder routes, string path, string page, string title) => Map(routes, path, Read("frame.html")
        .Replace("{{title}}", title, StringComparison.Ordinal).Replace("{{page}}", page, StringComparison.Ordinal)
        .Replace("{{main}}", Read($"{page}.html"), StringComparison.Ordinal), "text/html; charset=utf-8");

    private static void Map(IEndpointRouteBuilder routes, string path, string text, string contentType)
    {
        var content = Encoding.UTF8.GetBytes(text);
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

    private static string Read(string name)
    {
        using var stream = typeof(WebPages).Assembly.GetManifestResourceStream($"Emu3.Gateway.Pages.{name}") ?? throw new InvalidOperationException($"The page {name} is not in the program.");
        using var content = new StreamReader(stream, Encoding.UTF8);
        return content.ReadToEnd();
    }
}
