using System.Text.RegularExpressions;
using Emu3.Cli;
using Emu3.Gateway;
using Emu3.Inference.Engine;
using Emu3.Silo;
using Emu3.Storage;
using Emu3.Storage.Configuration;
using k8s.Models;
using Microsoft.Extensions.Configuration;

namespace Emu3.Tests.Deployment.Manifests;

/// <summary>
/// What a container's variables tell the program, read by the program's own readers: a variable that nobody reads, a value out of its range. Files that
/// variables name are stood in for by files with sound contents.
/// </summary>
internal static partial class Settings
{
    private const string Files = "/etc/emu3/";

    /// <summary>Sections that a role reads. Logging is read by .NET's hosts.</summary>
    private static readonly Dictionary<string, string[]> s_sections = new()
    {
        ["control"] = ["Silo", "Cluster", "Metrics", "Logging", "Worker", "Dispatcher", "Jobs", "Webhooks"],
        ["worker"] = ["Silo", "Cluster", "Metrics", "Logging", "Worker", "Engine", "Engines", "Simulation"],
        ["gateway"] = ["Gateway", "Cluster", "Metrics", "Logging"],
    };

    /// <summary>Of others: .NET, OpenTelemetry, the SDK of object stores, libtorch.</summary>
    private static readonly string[] s_foreign = ["DOTNET_", "OTEL_", "AWS_", "EMU3_", "NVIDIA_", "CUDA_"];

    public static IEnumerable<string> Check(ManifestSet set) =>
        from workload in set.Workloads
        where workload.IsOurs
        from container in workload.Pod.Containers
        from problem in Check(set, workload, container)
        select $"{workload.Name}, {container.Name}: {problem}";

    /// <summary>Whether <c>emu3</c> takes the arguments of its containers, those that end before the pod starts too.</summary>
    public static IEnumerable<string> CheckArguments(ManifestSet set) =>
        from workload in set.Workloads
        where workload.IsOurs
        from container in workload.AllContainers
        from error in CommandLine.Create(CliConsole.OfProcess()).Parse([.. container.Args ?? []]).Errors
        select $"{workload.Name}, {container.Name}: emu3 {string.Join(' ', container.Args ?? [])}: {error.Message}";

    /// <summary>How long a pod's stop may take by its own settings.</summary>
    public static TimeSpan StopTimeout(ManifestSet set, Workload workload, V1Container container)
    {
        var configuration = Configuration(Variables(set, container));
        var options = workload.Component == "gateway" ? configuration.GetSection("Gateway").Get<GatewayHostOptions>()?.StopTimeout : configuration.GetSection("Silo").Get<Emu3.Silo.SiloOptions>()?.StopTimeout;
        return options ?? throw new InvalidOperationException($"{workload.Name} has no settings.");
    }

    /// <summary>How long it waits for its database when it starts.</summary>
    public static TimeSpan DatabaseWait(ManifestSet set, V1Container container) =>
        (Configuration(Variables(set, container)).GetSection(ClusterConnection.Section).Get<ClusterConnection>() ?? new()).DatabaseWait;

    /// <summary>The container's variables, those of config maps first, with $(X) replaced.</summary>
    public static IReadOnlyDictionary<string, string> Variables(ManifestSet set, V1Container container)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var map in (container.EnvFrom ?? []).Select(from => set.Of<V1ConfigMap>().FirstOrDefault(map => map.Name() == from.ConfigMapRef?.Name)))
            foreach (var (name, value) in map?.Data ?? new Dictionary<string, string>()) variables[name] = value;
        foreach (var variable in container.Env ?? [])
            variables[variable.Name] = variable.ValueFrom?.FieldRef is { } field
                ? field.FieldPath == "status.podIP" ? "10.1.2.3" : "some-name"
                : Use().Replace(variable.Value ?? "", use => variables.GetValueOrDefault(use.Groups["name"].Value, use.Value));
        return variables;
    }

    private static IEnumerable<string> Check(ManifestSet set, Workload workload, V1Container container)
    {
        var variables = Variables(set, container);
        if (container.Args is not [var verb, ..] || verb != (workload.Component == "gateway" ? "gateway" : "silo")) yield return $"{workload.Component} is started as \"{string.Join(' ', container.Args ?? [])}\".";
        var used = (container.Env ?? []).SelectMany(one => Use().Matches(one.Value ?? "")).Select(use => use.Groups["name"].Value).ToHashSet();
        foreach (var name in variables.Keys.Where(name => !used.Contains(name) && !s_foreign.Any(start => name.StartsWith(start, StringComparison.Ordinal))))
            if (name.Split("__") is not [var section, _, ..] || !s_sections[workload.Component].Contains(section))
                yield return $"the variable {name} is read by nobody in a {workload.Component}.";
        var folder = Directory.CreateTempSubdirectory("emu3-settings-");
        var problems = Problems(workload, Configuration(variables.ToDictionary(one => one.Key, one => StandIn(folder.FullName, one.Value))));
        folder.Delete(recursive: true);
        foreach (var problem in problems) yield return problem;
    }

    private static IReadOnlyList<string> Problems(Workload workload, IConfiguration configuration)
    {
        try
        {
            if (workload.Component == "gateway") GatewayConfiguration.Read(configuration);
            else if (SiloConfiguration.Read(configuration).Roles != (workload.Component == "control" ? SiloRoles.Control : SiloRoles.Worker)) return [$"its role is not {workload.Component}."];
            return [];
        }
        catch (ConfigurationException wrong)
        {
            // The tests are not built for GPUs.
            return [.. wrong.Problems.Where(problem => !problem.Contains(Accelerator.Missing, StringComparison.Ordinal))];
        }
    }

    private static IConfiguration Configuration(IReadOnlyDictionary<string, string> variables) =>
        new ConfigurationBuilder().AddInMemoryCollection(variables.Select(one => KeyValuePair.Create(one.Key.Replace("__", ":", StringComparison.Ordinal), (string?)one.Value))).Build();

    /// <summary>A mounted secret's file, as it will be.</summary>
    private static string StandIn(string folder, string value)
    {
        if (!value.StartsWith(Files, StringComparison.Ordinal)) return value;
        var path = Path.Combine(folder, value[Files.Length..].Replace('/', '-'));
        File.WriteAllText(path, value == "/etc/emu3/database/connection" ? "Host=db;Database=emu3;Username=emu3;Password=secret" : "0123456789abcdef0123456789abcdef");
        return path;
    }

    [GeneratedRegex(@"\$\((?<name>[^)]+)\)")]
    private static partial Regex Use();
}
