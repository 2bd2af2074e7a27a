using System.Collections;
using System.Diagnostics.Metrics;
using Emu3.Observability.Exposition;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Emu3.Observability;

/// <summary>What a host tells of itself: metrics to Prometheus, and metrics and traces by OTLP, each where it is configured.</summary>
public static class Telemetry
{
    /// <summary>The meter of what belongs to a host and to no part of the cluster.</summary>
    public const string HostMeter = "Emu3.Host";

    /// <summary>By this variable the OpenTelemetry specification says where telemetry goes. Its exporters read the others (headers, protocol, names).</summary>
    public const string OtlpVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private static readonly string[] s_meters =
        ["Emu3.*", "Microsoft.Orleans", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime"];

    private static readonly string[] s_sources = ["Emu3.*", "Microsoft.AspNetCore"];

    /// <summary>
    /// Adds it. Call it once a process: instruments of one process are seen by every host in it. Before whatever takes long to start: hosted services
    /// start one after the other. The host needs <see cref="AddHealthPages"/> as well.
    /// </summary>
    /// <param name="builder">The host.</param>
    /// <param name="service">The process's name in telemetry: <c>emu3-silo</c>.</param>
    /// <param name="options">Where metrics are served.</param>
    /// <param name="folders">Folders whose disks are watched, by what is in them.</param>
    public static void AddTelemetry(this IHostApplicationBuilder builder, string service, MetricsOptions options, params (string Role, string Path)[] folders)
    {
        var hasOtlp = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(OtlpVariable));
        if (!options.IsServed && !hasOtlp) return;
        if (hasOtlp) builder.Configuration.AddInMemoryCollection(OtelVariables());
        var telemetry = builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService(service));
        if (options.IsServed)
        {
            builder.Services.AddSingleton(_ => new MetricsPage());
            builder.Services.AddSingleton(services => new MetricsServer(options, services.GetRequiredService<MetricsPage>(), services));
            builder.Services.AddHostedService(services => services.GetRequiredService<MetricsServer>());
        }

        telemetry.WithMetrics(metrics =>
        {
            metrics.AddMeter(s_meters).AddHttpView().AddInstrumentation(services => new DiskMetrics(services.GetRequiredService<IMeterFactory>(), folders));
            if (options.IsServed) metrics.AddReader(services => services.GetRequiredService<MetricsPage>().Reader);
            if (hasOtlp) metrics.AddOtlpExporter();
        });
        if (hasOtlp) telemetry.WithTracing(traces => traces.AddSource(s_sources).AddOtlpExporter());
    }

    /// <summary>Adds what the health pages ask; the checks are the caller's to add, by the tags of <see cref="HealthPages"/>.</summary>
    public static IHealthChecksBuilder AddHealthPages(this IServiceCollection services)
    {
        // What is not well is told to whoever asks, each time that he asks: no line of the log for each.
        services.Configure<LoggerFilterOptions>(options => options.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None));
        return services.AddHealthChecks();
    }

    /// <summary>The variables of the OpenTelemetry specification: its exporters read them from the host's configuration, and not every host has the environment in there.</summary>
    private static IEnumerable<KeyValuePair<string, string?>> OtelVariables() =>
        from variable in Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        where variable.Key is string name && name.StartsWith("OTEL_", StringComparison.Ordinal)
        select new KeyValuePair<string, string?>((string)variable.Key, (string?)variable.Value);

    /// <summary>By route, method and status, and up to the time that a picture takes.</summary>
    private static MeterProviderBuilder AddHttpView(this MeterProviderBuilder metrics) => metrics.AddView("http.server.request.duration", new ExplicitBucketHistogramConfiguration
    {
        TagKeys = ["http.request.method", "http.route", "http.response.status_code"],
        Boundaries = [.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 3600],
    });
}
