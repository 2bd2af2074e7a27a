using System.Globalization;
using System.Text.RegularExpressions;
using k8s.Models;

namespace Emu3.Tests.Deployment.Manifests;

/// <summary>Whether whatever is named is there: config maps, secrets, claims, volumes, ports, variables, services, what is scaled.</summary>
internal static partial class References
{
    /// <summary>Made by hand, as docs/kubernetes.md says, and what they hold; an overlay may make them itself.</summary>
    private static readonly Dictionary<string, string[]> s_secretsByHand = new()
    {
        ["emu3-database"] = ["connection", "password"],
        ["emu3-admin"] = ["key"],
        ["emu3-object-store"] = ["access-key", "secret-key"],
        ["emu3-tls"] = ["tls.crt", "tls.key"],
    };

    /// <summary>What such a secret must hold.</summary>
    public static IReadOnlyList<string> KeysMadeByHand(string secret) => s_secretsByHand[secret];

    public static IEnumerable<string> Check(ManifestSet set) =>
        [.. set.Workloads.SelectMany(workload => OfWorkload(set, workload)), .. OfServices(set), .. OfIngresses(set), .. OfScaling(set), .. OfMonitors(set), .. OfClaims(set)];

    private static IEnumerable<string> OfWorkload(ManifestSet set, Workload workload)
    {
        var pod = workload.Pod;
        if (pod.ServiceAccountName is { } account && !set.Of<V1ServiceAccount>().Any(one => one.Name() == account))
            yield return $"{workload.Name}: there is no service account {account}.";
        var volumes = (pod.Volumes ?? []).Select(volume => volume.Name).Concat(workload.OwnClaims).ToList();
        foreach (var twice in volumes.GroupBy(name => name).Where(same => same.Count() > 1)) yield return $"{workload.Name}: the volume {twice.Key} is there twice.";
        foreach (var volume in pod.Volumes ?? [])
        {
            if (volume.Secret is { } secret && SecretProblem(set, secret.SecretName) is { } noSecret) yield return $"{workload.Name}, volume {volume.Name}: {noSecret}";
            if (volume.PersistentVolumeClaim is { } claim && !set.Of<V1PersistentVolumeClaim>().Any(one => one.Name() == claim.ClaimName))
                yield return $"{workload.Name}, volume {volume.Name}: there is no claim {claim.ClaimName}.";
            if (volume.ConfigMap is { } map && !HasConfigMap(set, map.Name)) yield return $"{workload.Name}, volume {volume.Name}: there is no config map {map.Name}.";
            if (!workload.AllContainers.Any(container => (container.VolumeMounts ?? []).Any(mount => mount.Name == volume.Name))) yield return $"{workload.Name}: nobody mounts the volume {volume.Name}.";
        }

        foreach (var container in workload.AllContainers)
            foreach (var problem in OfContainer(set, workload, container, volumes)) yield return $"{workload.Name}, {container.Name}: {problem}";
    }

    private static IEnumerable<string> OfContainer(ManifestSet set, Workload workload, V1Container container, List<string> volumes)
    {
        var mounts = container.VolumeMounts ?? [];
        foreach (var mount in mounts.Where(mount => !volumes.Contains(mount.Name))) yield return $"there is no volume {mount.Name}.";
        foreach (var twice in mounts.GroupBy(mount => mount.MountPath).Where(same => same.Count() > 1)) yield return $"{twice.Key} is mounted twice.";
        foreach (var from in container.EnvFrom ?? [])
            if (from.ConfigMapRef is { } map && !HasConfigMap(set, map.Name)) yield return $"there is no config map {map.Name}.";
        foreach (var problem in OfVariables(set, workload, container)) yield return problem;
        var ports = (container.Ports ?? []).Select(port => port.Name).ToList();
        foreach (var (probe, name) in ((V1Probe?, string)[])[(container.StartupProbe, "startup"), (container.ReadinessProbe, "readiness"), (container.LivenessProbe, "liveness")])
            if ((probe?.HttpGet?.Port ?? probe?.TcpSocket?.Port)?.Value is { } port && !ports.Contains(port)) yield return $"the {name} probe's port {port} is none of {string.Join(", ", ports)}.";
    }

    private static IEnumerable<string> OfVariables(ManifestSet set, Workload workload, V1Container container)
    {
        var known = (container.EnvFrom ?? []).SelectMany(from => set.Of<V1ConfigMap>().Where(map => map.Name() == from.ConfigMapRef?.Name)).SelectMany(map => map.Data.Keys).ToHashSet();
        foreach (var variable in container.Env ?? [])
        {
            // What is named later, or nowhere, stays as it is written.
            foreach (Match use in Use().Matches(variable.Value ?? ""))
                if (!known.Contains(use.Groups["name"].Value)) yield return $"{variable.Name} uses $({use.Groups["name"].Value}), and no variable before it has that name.";
            if (!known.Add(variable.Name)) yield return $"the variable {variable.Name} is there twice.";
        }

        // A file that a variable names lies in a secret that is mounted there.
        foreach (var variable in (container.Env ?? []).Select(one => (one.Name, one.Value))
            .Concat((container.EnvFrom ?? []).SelectMany(from => set.Of<V1ConfigMap>().Where(map => map.Name() == from.ConfigMapRef?.Name)).SelectMany(map => map.Data.Select(entry => (Name: entry.Key, entry.Value))))
            .Where(variable => variable.Value is { } value && value.StartsWith('/') && variable.Name != "PGDATA"))
        {
            var mount = (container.VolumeMounts ?? []).Where(mount => IsIn(variable.Value, mount.MountPath)).MaxBy(mount => mount.MountPath.Length);
            if (mount is null)
            {
                if (!IsInImage(variable.Value)) yield return $"{variable.Name} is {variable.Value}, and nothing is mounted there.";
                continue;
            }

            var secret = (workload.Pod.Volumes ?? []).FirstOrDefault(volume => volume.Name == mount.Name)?.Secret?.SecretName;
            if (secret is not null && KeysOf(set, secret) is { } keys && !keys.Contains(Path.GetFileName(variable.Value)))
                yield return $"{variable.Name} is {variable.Value}, and the secret {secret} has {string.Join(", ", keys)}.";
        }
    }

    private static IEnumerable<string> OfServices(ManifestSet set) =>
        from service in set.Of<V1Service>()
        from port in service.Spec.Ports
        let target = port.TargetPort?.Value ?? port.Name
        from workload in set.Workloads
        where workload.Labels.Meets(service.Spec.Selector) && !PortsOf(workload).Any(one => one.Name == target || one.ContainerPort.ToString(CultureInfo.InvariantCulture) == target)
        select $"Service {service.Name()}: {workload.Name} has no port {target}.";

    private static IEnumerable<string> OfIngresses(ManifestSet set) =>
    [
        .. from ingress in set.Of<V1Ingress>()
           from path in ingress.Spec.Rules.SelectMany(rule => rule.Http.Paths)
           let service = path.Backend.Service
           where !set.Of<V1Service>().Any(one => one.Name() == service.Name && one.Spec.Ports.Any(port => port.Name == service.Port.Name))
           select $"Ingress {ingress.Name()}: there is no service {service.Name} with a port {service.Port.Name}.",
        .. from ingress in set.Of<V1Ingress>()
           from host in ingress.Spec.Rules.Select(rule => rule.Host).Except(ingress.Spec.Tls.SelectMany(tls => tls.Hosts))
           select $"Ingress {ingress.Name()}: {host} has no certificate.",
        .. from ingress in set.Of<V1Ingress>()
           from tls in ingress.Spec.Tls
           where SecretProblem(set, tls.SecretName) is not null
           select $"Ingress {ingress.Name()}: {SecretProblem(set, tls.SecretName)}",
    ];

    private static IEnumerable<string> OfScaling(ManifestSet set)
    {
        foreach (var scaled in set.Custom("ScaledObject"))
        {
            var name = (string?)scaled["spec"]?["scaleTargetRef"]?["name"];
            var target = set.Of<V1Deployment>().FirstOrDefault(one => one.Name() == name);
            if (target is null) yield return $"{ManifestSet.Name(scaled)}: there is no Deployment {name}.";
            else if (target.Spec.Replicas is not null) yield return $"{ManifestSet.Name(scaled)}: {name} names a number of replicas, which each apply would set again.";
        }
    }

    private static IEnumerable<string> OfMonitors(ManifestSet set) =>
        from monitor in set.Custom("PodMonitor")
        from endpoint in monitor["spec"]!["podMetricsEndpoints"]!.AsArray()
        let port = (string?)endpoint!["port"]
        from workload in set.Workloads.Where(workload => workload.IsOurs)
        where !PortsOf(workload).Any(one => one.Name == port)
        select $"{ManifestSet.Name(monitor)}: {workload.Name} has no port {port}.";

    private static IEnumerable<string> OfClaims(ManifestSet set) =>
        from claim in set.Of<V1PersistentVolumeClaim>()
        where claim.Spec.VolumeName is { } volume && !set.Of<V1PersistentVolume>().Any(one => one.Name() == volume && claim.Spec.AccessModes.All(one.Spec.AccessModes.Contains)
            && (one.Spec.StorageClassName ?? "") == claim.Spec.StorageClassName)
        select $"PersistentVolumeClaim {claim.Name()}: there is no volume {claim.Spec.VolumeName} of its class that can {string.Join(", ", claim.Spec.AccessModes)}.";

    internal static IEnumerable<V1ContainerPort> PortsOf(Workload workload) => workload.Pod.Containers.SelectMany(container => container.Ports ?? []);

    private static bool HasConfigMap(ManifestSet set, string name) => set.Of<V1ConfigMap>().Any(map => map.Name() == name);

    private static string? SecretProblem(ManifestSet set, string name) => KeysOf(set, name) is null ? $"there is no secret {name}, and docs/kubernetes.md makes none of that name." : null;

    private static string[]? KeysOf(ManifestSet set, string secret) =>
        set.Of<V1Secret>().FirstOrDefault(one => one.Name() == secret)?.Data.Keys.ToArray() ?? s_secretsByHand.GetValueOrDefault(secret);

    private static bool IsIn(string path, string folder) => path == folder || path.StartsWith(folder + "/", StringComparison.Ordinal);

    /// <summary>The small checkpoint is in its image.</summary>
    private static bool IsInImage(string path) => path == "/models/emu3-tiny";

    [GeneratedRegex(@"(?<!\$)\$\((?<name>[^)]+)\)")]
    private static partial Regex Use();
}
