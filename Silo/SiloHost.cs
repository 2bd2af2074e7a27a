using System.Net;
using System.Net.Sockets;
using Emu3.Grains;
using Emu3.Observability;
using Emu3.Silo.Health;
using Emu3.Storage;
using Orleans.Configuration;

namespace Emu3.Silo;

/// <summary>Builds a silo: by itself (<c>Program</c>), or inside another process (the command line, tests).</summary>
public static class SiloHost
{
    /// <summary>A host that has not started.</summary>
    /// <param name="settings">What it is told.</param>
    /// <param name="configure">Logging and the like.</param>
    public static IHost Create(SiloSettings settings, Action<HostApplicationBuilder>? configure = null)
    {
        // No settings beyond those given: a file beside the program or a variable must not change what the caller asked for.
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddLogging();
        builder.Services.AddMetrics();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        configure?.Invoke(builder);
        Configure(builder, settings);
        return builder.Build();
    }

    /// <summary>Adds the silo to a host.</summary>
    public static void Configure(IHostApplicationBuilder builder, SiloSettings settings)
    {
        builder.AddTelemetry("emu3-silo", settings.Metrics, settings.Cluster.Provider == ClusterConnection.Postgres
            ? [.. settings.Cluster.Folders]
            : [.. settings.Cluster.Folders, ("data", Path.GetFullPath(settings.Cluster.DataFolder))]);
        builder.Services.AddSiloHealth(settings.Roles);
        builder.UseOrleans(silo => Configure(silo, settings));
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.StopTimeout);
    }

    private static void Configure(ISiloBuilder silo, SiloSettings settings)
    {
        silo.UseCluster(settings.Cluster);
        silo.AddGrainServices();
        if (!settings.Roles.HasFlag(SiloRoles.Control)) silo.WithoutControl();
        silo.AddDashboard(settings);
        var address = settings.AdvertisedAddress;
        silo.ConfigureEndpoints(
            address, settings.SiloPort is 0 ? FreePort(address) : settings.SiloPort, GatewayPort(settings), listenOnAnyHostAddress: !IPAddress.IsLoopback(address));
        if (settings.Name is { } name) silo.Configure<Orleans.Configuration.SiloOptions>(options => options.SiloName = name);
        silo.Configure<ClusterMembershipOptions>(options =>
        {
            options.ProbeTimeout = TimeSpan.FromSeconds(1);
            options.MaxProbeTimeout = TimeSpan.FromSeconds(2);
            options.NumMissedProbesLimit = 3;
            options.TableRefreshTimeout = TimeSpan.FromSeconds(10);
            options.IAmAliveTablePublishTimeout = ClusterTimes.MembershipSign;
            options.NumMissedTableIAmAliveLimit = (int)(ClusterTimes.MembershipSilence / ClusterTimes.MembershipSign);
            // Silos that are not in the table and whose clock told an earlier time than that, when they started, count as dead.
            options.SiloGenerationRetirementAge = TimeSpan.FromDays(1);
        });

        // Grains whose directory entry lay on a silo that leaves stay where they are: the default directory ends them, and the dispatcher or a job would begin
        // anew whenever a worker goes. No leases on what a dead silo had: every durable effect has an ETag or an epoch, and a lease would cost seconds.
#pragma warning disable ORLEANSEXP003 // the directory is still called experimental
        silo.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
        silo.Configure<GrainDirectoryOptions>(options => options.RangeLeaseDuration = TimeSpan.Zero);

        silo.Configure<SiloMessagingOptions>(options => options.ResponseTimeout = ClusterTimes.GrainCall);
        silo.Services.AddSingleton(settings);
        silo.Services.AddSingleton(settings.Worker);
        silo.Services.AddSingleton(settings.Simulation);
        silo.Services.AddSingleton(Microsoft.Extensions.Options.Options.Create(settings.Dispatcher));
        silo.Services.AddSingleton(Microsoft.Extensions.Options.Options.Create(settings.Jobs));
        silo.Services.AddSingleton(Microsoft.Extensions.Options.Options.Create(settings.Webhooks));
        silo.Services.AddSingleton<EngineStatus>();
        silo.Services.AddSingleton<EngineHostedService>();
        silo.Services.AddHostedService(services => services.GetRequiredService<EngineHostedService>());
        silo.Services.AddSingleton<PulseWatch>();
        silo.Services.AddHostedService(services => services.GetRequiredService<PulseWatch>());
        if (settings.Roles.HasFlag(SiloRoles.Control) && settings.Models.Count > 0) silo.Services.AddHostedService<ModelAnnouncer>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, SiloDrain>();
    }

    /// <summary>0, none, on a silo that only works: a client's calls must not hang on a worker that dies.</summary>
    private static int GatewayPort(SiloSettings settings) =>
        !settings.Roles.HasFlag(SiloRoles.Control) ? 0 : settings.GatewayPort is 0 ? FreePort(settings.AdvertisedAddress) : settings.GatewayPort;

    /// <summary>Signals are for the program that the silo is part of: it may have to finish something before the silo stops.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    /// <summary>A port that nobody has at the moment.</summary>
    private static int FreePort(IPAddress address)
    {
        using var listener = new TcpListener(address, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
