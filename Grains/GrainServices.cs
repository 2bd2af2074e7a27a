using System.Net;
using Emu3.Grains.Access;
using Emu3.Grains.Canaries;
using Emu3.Grains.Catalogs;
using Emu3.Grains.Dispatch;
using Emu3.Grains.Files;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Emu3.Grains.Usage;
using Emu3.Grains.Webhooks;
using Emu3.Grains.Workers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;

namespace Emu3.Grains;

/// <summary>What our grains need of their silo.</summary>
public static class GrainServices
{
    private static readonly Type[] s_control =
    [
        typeof(GenerationJob), typeof(JobShard), typeof(JobIndex), typeof(Dispatcher),
        typeof(JobCatalog), typeof(JobCatalogHour), typeof(ModelCatalog), typeof(DeviceLedger), typeof(CanaryBoard),
        typeof(ClusterSecrets), typeof(KeyRing), typeof(AuditLog), typeof(AuditPage), typeof(KeyMeter),
        typeof(UsageLedger), typeof(UsageHour), typeof(UsageTenants),
        typeof(FileShelf), typeof(Batch), typeof(BatchQueue),
        typeof(WebhookDelivery), typeof(WebhookSecrets), typeof(WebhookGate),
    ];

    /// <summary>Adds it, with the stream of job lifecycle events. Storage comes from <see cref="Storage.ClusterProviders"/>.</summary>
    public static ISiloBuilder AddGrainServices(this ISiloBuilder silo)
    {
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton<SiloLife>();
        silo.Services.AddSingleton<JobMetrics>().AddSingleton<ClusterGauges>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(services => services.GetRequiredService<JobMetrics>());
        silo.Services.AddSingleton<WebhookMetrics>().AddSingleton<WebhookSender>().AddSingleton(new DeliveryPlaces());
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(services => services.GetRequiredService<WebhookMetrics>());
        silo.Services.TryAddSingleton((HostResolver)Dns.GetHostAddressesAsync);
        silo.Services.AddSingleton<SiloMembers>();
        silo.Services.AddSingleton<DeadSiloWatch>();
        silo.Services.AddHostedService(services => services.GetRequiredService<DeadSiloWatch>());
        silo.Services.AddSingleton<LocalWorkers>();
        silo.AddPlacementDirector<WorkerPlacement, WorkerPlacementDirector>();
        silo.AddMemoryStreams(JobLifecycleEvent.Stream, streams =>
        {
            streams.ConfigurePartitioning(1);
            streams.ConfigurePullingAgent(agent => agent.Configure(options => options.GetQueueMsgsTimerPeriod = TimeSpan.FromMilliseconds(250)));
        });
        return silo;
    }

    /// <summary>Keeps jobs, shards, the dispatcher and the catalogs off this silo: it only works.</summary>
    public static ISiloBuilder WithoutControl(this ISiloBuilder silo)
    {
        silo.Services.Configure<GrainTypeOptions>(options =>
        {
            foreach (var control in s_control) options.Classes.Remove(control);
        });
        return silo;
    }
}
