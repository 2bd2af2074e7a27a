namespace Emu3.Gateway.Access;

/// <summary>
/// Pages of other sites that may use this gateway from a browser (CORS): those of <see cref="GatewayHostOptions.CorsOrigins"/>, by ASP.NET's own middleware. It
/// stands before everything that may refuse: a preflight carries no key, and a page may read the errors that it gets.
/// </summary>
internal static class CrossOrigin
{
    /// <summary>Headers of answers that a page may read besides those that every page may.</summary>
    private static readonly string[] s_exposed =
    [
        "x-request-id", "Retry-After", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "Location", "ETag",
        "Content-Disposition", "Content-Range", "Accept-Ranges",
    ];

    /// <summary>Behind routing. Does nothing where no origin is allowed.</summary>
    public static void Use(WebApplication app)
    {
        var origins = app.Services.GetRequiredService<GatewayHostOptions>().CorsOrigins;
        if (origins.Count == 0) return;
        // No cookie lets anyone in here, so credentials stay forbidden; the key travels in a header of the page's own.
        app.UseCors(policy => policy.WithOrigins([.. origins]).AllowAnyHeader().WithMethods("GET", "HEAD", "POST", "DELETE")
            .WithExposedHeaders(s_exposed).SetPreflightMaxAge(TimeSpan.FromHours(1)));
    }
}
