using Emu3.Gateway.Access;
using Emu3.Gateway.Batches;
using Emu3.Gateway.Cluster;
using Emu3.Gateway.Diagnosis;
using Emu3.Gateway.Endpoints;
using Emu3.Gateway.Files;
using Emu3.Gateway.Jobs;
using Emu3.Gateway.Pages;
using Emu3.Gateway.Reference;
using Emu3.Gateway.Webhooks;
using Emu3.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;
using Orleans.Dashboard;

namespace Emu3.Gateway;

/// <summary>Builds the gateway: as a program of its own, or inside another's process, where it still speaks HTTP alone.</summary>
public static class GatewayHost
{
    /// <summary>A gateway that finds its cluster and its blobs by these settings.</summary>
    /// <param name="address">Where it listens, as <c>http://127.0.0.1:8080</c>; port 0 takes a free one (<c>app.Urls</c> then tells it once it runs).</param>
    /// <param name="cluster">Which cluster.</param>
    /// <param name="configure">Whatever else the host needs: logging, configuration.</param>
    /// <param name="hasDashboard">As <see cref="GatewayHostOptions.Dashboard"/> says.</param>
    public static WebApplication Build(Uri address, ClusterConnection cluster, Action<WebApplicationBuilder>? configure = null, bool hasDashboard = false) => Build(address, builder =>
    {
        builder.UseOrleansClient(client =>
        {
            client.UseCluster(cluster);
            client.UseConnectionRetryFilter<ClusterSearch>();
            if (hasDashboard) client.AddDashboard(options => options.HideTrace = true);
            // A call to a silo that dies is answered by this timeout alone; it is then repeated.
            client.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = ClusterTimes.GrainCall);
            client.Configure<Orleans.Configuration.GatewayOptions>(options => options.GatewayListRefreshPeriod = TimeSpan.FromSeconds(10));
        });
        configure?.Invoke(builder);
    });

    /// <summary>A gateway whose <see cref="IClusterClient"/> and <see cref="Storage.Blobs.IBlobStore"/> the caller registers.</summary>
    public static WebApplication Build(Uri address, Action<WebApplicationBuilder> configure)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        // The gateway answers (that it has no cluster yet) while its client still looks for one.
        builder.Services.AddOptions<HostOptions>().Configure<GatewayHostOptions>((host, options) =>
        {
            host.ServicesStartConcurrently = true;
            host.ShutdownTimeout = GatewayDrain.HostTimeout(options);
        });
        builder.Services.AddSingleton<GatewayDrain>().AddHostedService(services => services.GetRequiredService<GatewayDrain>());
        builder.WebHost.ConfigureKestrel(Limit);
        builder.WebHost.UseUrls(address.GetLeftPart(UriPartial.Authority));
        // .NET's images set ASPNETCORE_HTTP_PORTS, and each start would warn that the address above goes before it.
        builder.WebHost.UseSetting(WebHostDefaults.HttpPortsKey, "").UseSetting(WebHostDefaults.HttpsPortsKey, "");
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddGatewayHealth();
        builder.Services.AddSingleton<ClusterCalls>().AddSingleton<ModelCatalog>().AddSingleton<ServedModels>().AddSingleton<SignedAddresses>().AddSingleton<PicturePreviews>();
        builder.Services.AddScoped<JobReader>().AddScoped<JobListing>().AddScoped<DiagnosisReader>().AddScoped<JobIntake>().AddScoped<InteractiveJobs>().AddScoped<InteractiveRequest>();
        builder.Services.AddSingleton<BatchValidations>().AddHostedService<OrphanedBatches>();
        builder.Services.AddScoped<FileReader>().AddScoped<FileIntake>().AddScoped<PictureFiles>();
        builder.Services.AddScoped<BatchReader>().AddScoped<BatchIntake>().AddScoped<BatchValidation>().AddScoped<ReportingSubmission>().AddSingleton<RefusedLines>().AddScoped<BatchOutcomes>().AddScoped<BatchLines>().AddScoped<BatchFiles>();
        builder.Services.AddSingleton(services => new ServiceStart(services.GetRequiredService<TimeProvider>().GetUtcNow().ToUnixTimeSeconds()));
        builder.Services.AddSingleton<WebhookCheck>();
        AccessHost.Add(builder.Services);
        ApiDocument.Add(builder.Services);
        configure(builder);
        builder.Services.TryAddSingleton(new GatewayHostOptions());

        var app = builder.Build();
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Emu3.Gateway");
        app.UseRoutingWithHead();
        app.Use(RequestIds.Set);
        app.Use((http, next) => FailureResponses.Handle(http, next, logger));
        app.Use(app.Services.GetRequiredService<GatewayDrain>().Handle);
        app.Use(IdleTimeoutBody.Use);
        AccessHost.Use(app, address, logger);
        Endpoints.Jobs.Map(app);
        JobList.Map(app);
        JobVerbs.Map(app);
        Diagnoses.Map(app);
        JobEvents.Map(app);
        JobItems.Map(app);
        JobArchives.Map(app);
        Images.Map(app);
        SignedFiles.Map(app);
        WebPages.Map(app);
        ApiDocument.Map(app);
        ReferencePage.Map(app);
        Chat.Map(app);
        Responses.Map(app);
        Endpoints.Files.Map(app);
        Endpoints.Batches.Map(app);
        Models.Map(app);
        Workers.Map(app);
        AdminKeys.Map(app);
        UsageRecords.Map(app);
        Endpoints.Webhooks.Map(app);
        Health.Map(app);
        if (app.Services.GetRequiredService<GatewayHostOptions>().Dashboard) DashboardPages.Map(app);
        return app;
    }

    private static void Limit(KestrelServerOptions options)
    {
        options.AddServerHeader = false;
        options.Limits.MaxRequestBodySize = 1 << 20; // where an endpoint does not say otherwise
        // A cursor of a job of a million items is 16 KB long, and travels in a header or in the address.
        options.Limits.MaxRequestLineSize = 32 << 10;
        options.Limits.MaxRequestHeadersTotalSize = 64 << 10;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
    }
}
