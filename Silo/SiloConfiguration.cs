using System.ComponentModel.DataAnnotations;
using Emu3.Grains.Dispatch;
using Emu3.Grains.Jobs;
using Emu3.Grains.Workers;
using Emu3.Inference;
using Emu3.Inference.Simulation;
using Emu3.Storage;

namespace Emu3.Silo;

/// <summary>Section <c>Silo</c>: what one silo process does.</summary>
public sealed class SiloOptions
{
    /// <summary><c>control</c>, <c>worker</c>, or both. Default: both.</summary>
    public string[] Roles { get; set; } = [];

    /// <summary>
    /// An engine for each: <c>cpu</c> or <c>cuda:N</c>; <c>simulated*N</c> is <c>simulated:0</c> to <c>simulated:N−1</c>. Default: <c>Engine:Device</c>
    /// alone. Ignored without the role <c>worker</c>.
    /// </summary>
    public string[] Devices { get; set; } = [];

    /// <summary>Port for other silos; 0 takes a free one.</summary>
    [Range(0, 65535)]
    public int Port { get; set; }

    /// <summary>Port for clients; 0 takes a free one.</summary>
    [Range(0, 65535)]
    public int GatewayPort { get; set; }
}

/// <summary>
/// Reads a silo's settings from configuration, and refuses to start on anything that is wrong: a value out of its range, a key that nobody knows.
/// </summary>
public static class SiloConfiguration
{
    /// <exception cref="SiloConfigurationException">Names every value and key that is wrong, and what is allowed.</exception>
    public static SiloSettings Read(IConfiguration configuration)
    {
        var problems = new List<string>();
        var silo = Section<SiloOptions>(configuration, "Silo", problems);
        var cluster = Section<ClusterConnection>(configuration, "Cluster", problems);
        var simulation = Section<SimulationOptions>(configuration, "Simulation", problems);
        var worker = Section<WorkerOptions>(configuration, "Worker", problems);
        var dispatcher = Section<DispatcherOptions>(configuration, "Dispatcher", problems);
        var jobs = Section<JobOptions>(configuration, "Jobs", problems);
        var roles = Roles(silo.Roles, problems);
        var isWorker = roles.HasFlag(SiloRoles.Worker);
        var engines = isWorker ? Engines(configuration, silo.Devices, problems) : [];
        if (problems.Count > 0) throw new SiloConfigurationException(problems);
        return new()
        {
            Cluster = cluster,
            Roles = roles,
            Engines = engines,
            Simulation = simulation,
            Worker = worker,
            Dispatcher = dispatcher,
            Jobs = jobs,
            SiloPort = silo.Port,
            GatewayPort = silo.GatewayPort,
        };
    }

    private static SiloRoles Roles(string[] names, List<string> problems)
    {
        var roles = (SiloRoles)0;
        foreach (var name in names)
        {
            roles |= name switch { "control" => SiloRoles.Control, "worker" => SiloRoles.Worker, _ => 0 };
            if (name is not ("control" or "worker")) problems.Add($"Silo:Roles has '{name}'; allowed are 'control' and 'worker'.");
        }

        return names.Length == 0 ? SiloRoles.Control | SiloRoles.Worker : roles;
    }

    private static EngineOptions[] Engines(IConfiguration configuration, string[] devices, List<string> problems)
    {
        var engines = new List<EngineOptions>();
        string?[] names = devices.Length == 0 ? [null] : [.. DeviceNames.Expand(devices)];
        foreach (var device in names)
        {
            // Each its own instance: an engine may note on its options what it found.
            var seen = engines.Count == 0 ? problems : [];
            var options = Section<EngineOptions>(configuration, "Engine", seen, options => options.Device = device ?? options.Device);
            engines.Add(options);
        }

        return [.. engines];
    }

    private static T Section<T>(IConfiguration configuration, string name, List<string> problems, Action<T>? adjust = null)
        where T : class, new()
    {
        T options;
        try
        {
            options = configuration.GetSection(name).Get<T>(binder => binder.ErrorOnUnknownConfiguration = true) ?? new();
        }
        catch (InvalidOperationException wrong)
        {
            problems.Add($"{name}: {wrong.Message}");
            return new();
        }

        adjust?.Invoke(options);
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true);
        problems.AddRange(results.Select(result => $"{name}:{string.Join(',', result.MemberNames)}: {result.ErrorMessage}"));
        return options;
    }
}

/// <summary>A silo was told something wrong.</summary>
public sealed class SiloConfigurationException(IReadOnlyList<string> problems)
    : Exception("The configuration is wrong:" + string.Concat(problems.Select(problem => Environment.NewLine + "  " + problem)))
{
    public IReadOnlyList<string> Problems { get; } = problems;
}
