using Emu3.Gateway.Access;
using Orleans.Dashboard;

namespace Emu3.Gateway.Pages;

/// <summary>
/// <c>/dashboard</c>: Orleans' own dashboard, for admins. A browser can't put a key into the header of a page that it opens, so it may show one as the password
/// of HTTP's basic authentication, under any name.
/// </summary>
internal static class DashboardPages
{
    private const string Path = "/dashboard";

    /// <summary>Reads states of grains by their type: prompts, and secrets of every tenant.</summary>
    private const string GrainState = $"{Path}/GrainState";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var pages = routes.MapOrleansDashboard(Path);
        pages.WithMetadata(AdminRoute.Metadata, BrowserRoute.Metadata);
        pages.ExcludeFromDescription();
        pages.AddEndpointFilter(async (context, next) => context.HttpContext.Request.Path.StartsWithSegments(GrainState)
            ? FailureResponses.GrainStateHidden()
            : await next(context));
    }
}
