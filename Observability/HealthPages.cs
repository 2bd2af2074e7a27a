using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Emu3.Observability;

/// <summary>
/// What Kubernetes' probes ask. <c>live</c>: starting the process again would not help. <c>startup</c>: it has come up; <c>ready</c>: send it work. Each asks
/// the checks that carry its name as a tag; 503 with what is not well when one of them is not.
/// </summary>
public static class HealthPages
{
    /// <summary>Tag of checks that <c>/health/ready</c> asks.</summary>
    public const string Ready = "ready";

    /// <summary>Tag of checks that <c>/health/live</c> asks.</summary>
    public const string Live = "live";

    /// <summary>Tag of checks that <c>/health/startup</c> asks.</summary>
    public const string Startup = "startup";

    /// <summary>The pages' paths.</summary>
    public const string LivePath = "/health/live", ReadyPath = "/health/ready", StartupPath = "/health/startup";

    /// <summary>A check is given up after so long, and is then not well: a probe waits no longer.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(2);

    /// <summary>Whether a path is one of the three.</summary>
    public static bool Has(PathString path) => path == LivePath || path == ReadyPath || path == StartupPath;

    /// <summary>Answers a request for one of the three pages.</summary>
    /// <param name="http">The request.</param>
    /// <param name="services">Where the checks are.</param>
    public static async Task AnswerAsync(HttpContext http, IServiceProvider services)
    {
        var tag = http.Request.Path == ReadyPath ? Ready : http.Request.Path == StartupPath ? Startup : Live;
        var report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync(check => check.Tags.Contains(tag), http.RequestAborted);
        var wrong = report.Entries.Where(entry => entry.Value.Status != HealthStatus.Healthy)
            .ToDictionary(entry => entry.Key, entry => entry.Value.Description ?? entry.Value.Exception?.Message ?? "not well");
        http.Response.StatusCode = wrong.Count == 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        http.Response.Headers.CacheControl = "no-store";
        await http.Response.WriteAsJsonAsync(new HealthPage(wrong.Count == 0 ? "ok" : "not_ready", wrong), http.RequestAborted);
    }
}

/// <summary>What one of the pages says.</summary>
/// <param name="Status"><c>ok</c> or <c>not_ready</c>.</param>
/// <param name="Wrong">What is not well, by the check's name.</param>
public sealed record HealthPage(string Status, IReadOnlyDictionary<string, string> Wrong);
