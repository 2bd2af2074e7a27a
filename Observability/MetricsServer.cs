using System.Text;
using Emu3.Observability.Exposition;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Emu3.Observability;

/// <summary>
/// Serves <c>/metrics</c> and the health pages on a port of their own, from the host's start to its end: it answers also while the host comes up,
/// and while it drains.
/// </summary>
public sealed class MetricsServer : IHostedService, IAsyncDisposable
{
    private readonly MetricsOptions _options;
    private readonly MetricsPage _page;
    private readonly IServiceProvider _services;
    private WebApplication? _app;

    internal MetricsServer(MetricsOptions options, MetricsPage page, IServiceProvider services) => (_options, _page, _services) = (options, page, services);

    /// <summary>Where it listens, once it does; its port is the real one.</summary>
    public Uri Address => new(_app!.Urls.First());

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // A host in the host: it has nothing of the other's middleware, routes, limits and keys.
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.AddServerHeader = false).UseUrls(_options.Address);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync(cancellationToken);
    }

    /// <summary>Nothing yet: others stop after this, and may be watched at it. Disposal ends it.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_app is not { } app) return;
        using var atOnce = new CancellationTokenSource(HealthPages.Patience, TimeProvider.System);
        await app.StopAsync(atOnce.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext http)
    {
        // Whoever scrapes is no user of the gateway.
        if (http.Features.Get<IHttpMetricsTagsFeature>() is { } tags) tags.MetricsDisabled = true;
        if (!HttpMethods.IsGet(http.Request.Method)) http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        else if (HealthPages.Has(http.Request.Path)) await HealthPages.AnswerAsync(http, _services);
        else if (http.Request.Path != "/metrics") http.Response.StatusCode = StatusCodes.Status404NotFound;
        else if (_page.Read() is not { } page) http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        else await WriteAsync(http, page);
    }

    private static async Task WriteAsync(HttpContext http, string page)
    {
        var bytes = Encoding.UTF8.GetBytes(page);
        http.Response.ContentType = PrometheusText.ContentType;
        http.Response.ContentLength = bytes.Length;
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
    }

    /// <summary>Signals are the outer host's.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
