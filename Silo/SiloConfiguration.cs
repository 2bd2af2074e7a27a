using System.Net;
using Emu3.Grains.Dispatch;
using Emu3.Grains.Jobs;
using Emu3.Grains.Webhooks;
using Emu3.Grains.Workers;
using Emu3.Inference;
using Emu3.Inference.Simulation;
using Emu3.Observability;
using Emu3.Storage;
using Emu3.Storage.Configuration;

namespace Emu3.Silo;

/// <summary>
/// Reads a silo's settings from configuration, and refuses to start on anything that is wrong: a value out of its range, a key that nobody knows.
/// </summary>
public static class SiloConfiguration
{
    private const string ManyEngines = "Engines";

    /// <exception cref="ConfigurationException">Names every value and key that is wrong, and what is allowed.</exception>
    public static SiloSettings Read(IConfiguration configuration)
    {
        var reader = new ConfigurationReader(configuration);
        var silo = reader.Section<SiloOptions>("Silo");
        var roles = Roles(silo.Roles, reader);
        var settings = new SiloSettings
        {
            Cluster = reader.Section<ClusterConnection>(ClusterConnection.Section),
            Roles = roles,
            Engines = roles.HasFlag(SiloRoles.Worker) ? Engines(configuration, silo.Devices, reader) : [],
            Simulation = reader.Section<SimulationOptions>("Simulation"),
            Worker = reader.Section<WorkerOptions>("Worker", options => options.HostName = silo.HostName ?? options.HostName),
            Dispatcher = reader.Section<DispatcherOptions>("Dispatcher"),
            Jobs = reader.Section<JobOptions>("Jobs"),
            Webhooks = reader.Section<WebhookOptions>("Webhooks"),
            Metrics = reader.Section<MetricsOptions>(MetricsOptions.Section),
            Models = silo.Models,
            SiloPort = silo.Port,
            GatewayPort = silo.GatewayPort,
            AdvertisedAddress = Address(silo.AdvertisedAddress, reader),
            Name = silo.Name,
            HasDashboard = silo.Dashboard,
            StopTimeout = silo.StopTimeout,
        };
        foreach (var engine in settings.Engines)
            engine.DataFolder ??= settings.Cluster.Provider == ClusterConnection.Embedded ? Path.GetFullPath(settings.Cluster.DataFolder) : null;
        reader.ThrowIfWrong();
        return settings;
    }

    private static SiloRoles Roles(string[] names, ConfigurationReader reader)
    {
        var roles = (SiloRoles)0;
        foreach (var name in names)
        {
            roles |= name switch { "control" => SiloRoles.Control, "worker" => SiloRoles.Worker, _ => 0 };
            if (name is not ("control" or "worker")) reader.Refuse($"Silo:Roles has '{name}'; allowed are 'control' and 'worker'.");
        }

        return names.Length == 0 ? SiloRoles.Control | SiloRoles.Worker : roles;
    }

    /// <summary>
    /// Options for each engine, each its own instance: an engine may note on its options what it found. Either one model, <c>Engine</c>, on each of
    /// <c>Silo:Devices</c>; or each engine by itself, <c>Engines</c>, for a silo that runs several models.
    /// </summary>
    private static EngineOptions[] Engines(IConfiguration configuration, string[] devices, ConfigurationReader reader)
    {
        var many = configuration.GetSection(ManyEngines);
        EngineOptions[] engines;
        if (!many.Exists())
        {
            engines = [.. (devices.Length == 0 ? [null] : (IEnumerable<string?>)DeviceNames.Expand(devices)).Select(device =>
                reader.Section<EngineOptions>("Engine", options => options.Device = device ?? options.Device))];
        }
        else
        {
            engines = [.. many.GetChildren().Select(one => reader.Section<EngineOptions>(one.Path))];
            if (devices.Length > 0) reader.Refuse("Silo:Devices is for the one model of the section Engine; where there are Engines, each names its own Device.");
            if (configuration.GetSection("Engine").Exists()) reader.Refuse("There are Engine and Engines; allowed is one of the two: Engine for one model, Engines for several.");
        }

        foreach (var same in engines.Where(engine => engine.DeviceId is not null).GroupBy(engine => engine.DeviceId).Where(same => same.DistinctBy(engine => engine.Device).Count() > 1))
            reader.Refuse($"{string.Join(" and ", same.Select(engine => engine.Device).Distinct())} have the DeviceId {same.Key}; allowed is one device under a DeviceId. Name each in a section of Engines.");

        // Worker ids are made of device and model.
        foreach (var same in engines.GroupBy(engine => (engine.Device, engine.ModelName)).Where(same => same.Count() > 1))
            reader.Refuse($"{(many.Exists() ? ManyEngines : "Silo:Devices")} has {same.Key.ModelName} on {same.Key.Device} {same.Count()} times; allowed is one engine of a model on a device.");
        return engines;
    }

    private static IPAddress Address(string text, ConfigurationReader reader)
    {
        if (IPAddress.TryParse(text, out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)) return address;
        reader.Refuse($"Silo:AdvertisedAddress is '{text}'; it must be the IP address at which other processes reach this one.");
        return IPAddress.Loopback;
    }
}
