using System.Globalization;
using System.Text.Json;
using k8s.Models;

namespace Emu3.Tests.Deployment.Kubelet;

/// <summary>A container of a manifest in the words of <c>podman run</c>. Data in, data out.</summary>
internal static class PodmanArguments
{
    /// <summary>All after <c>podman run</c> but its name and whether it stays in the foreground.</summary>
    /// <param name="container">Of the pod.</param>
    /// <param name="pod">Its specification.</param>
    /// <param name="place">Where and as what it runs.</param>
    /// <param name="environment">Of the container.</param>
    /// <param name="folders">Where the pod's volumes are on this machine, by their names.</param>
    public static IEnumerable<string> Of(
        V1Container container, V1PodSpec pod, PodPlace place, IReadOnlyDictionary<string, string> environment, IReadOnlyDictionary<string, string> folders) =>
    [
        "--pull=never",
        $"--network=ns:{place.NetworkNamespace}",
        $"--hostname={place.PodName}",
        // The kubelet keeps /etc/hosts, and so do we: names of Services change while a container runs.
        "--no-hosts",
        $"--volume={place.HostsFile}:/etc/hosts:ro",
        .. User(container.SecurityContext, pod.SecurityContext),
        .. Rights(container.SecurityContext),
        .. Limits(container.Resources?.Limits),
        .. environment.Select(variable => $"--env={variable.Key}={variable.Value}"),
        .. (container.VolumeMounts ?? []).Select(mount => Mount(mount, folders)),
        .. container.Command is { Count: > 0 } command ? [$"--entrypoint={JsonSerializer.Serialize(command)}"] : (string[])[],
        container.Image,
        .. (container.Args ?? []).Select(argument => ContainerEnvironment.Expand(argument, environment)),
    ];

    private static IEnumerable<string> User(V1SecurityContext? own, V1PodSecurityContext? pod)
    {
        if ((own?.RunAsUser ?? pod?.RunAsUser) is { } user) yield return $"--user={user}:{own?.RunAsGroup ?? pod?.RunAsGroup ?? 0}";
        if (pod?.FsGroup is { } group) yield return $"--group-add={group}";
    }

    private static IEnumerable<string> Rights(V1SecurityContext? own)
    {
        if (own?.ReadOnlyRootFilesystem == true)
        {
            yield return "--read-only";
            yield return "--read-only-tmpfs=false"; // podman would mount its own /tmp and /run, and nobody would miss those of the manifest
        }

        if (own?.AllowPrivilegeEscalation == false) yield return "--security-opt=no-new-privileges";
        foreach (var right in own?.Capabilities?.Drop ?? []) yield return $"--cap-drop={right.ToLowerInvariant()}";
    }

    private static IEnumerable<string> Limits(IDictionary<string, ResourceQuantity>? limits)
    {
        foreach (var (name, quantity) in limits ?? new Dictionary<string, ResourceQuantity>())
        {
            yield return name switch
            {
                "memory" => $"--memory={(long)quantity.ToDecimal()}b",
                "cpu" => $"--cpus={quantity.ToDecimal().ToString(CultureInfo.InvariantCulture)}",
                _ => throw new NotSupportedException($"A limit of {name} is not known here."),
            };
        }
    }

    private static string Mount(V1VolumeMount mount, IReadOnlyDictionary<string, string> folders)
    {
        if (!folders.TryGetValue(mount.Name, out var folder)) throw new KeyNotFoundException($"There is no volume {mount.Name}.");
        return $"--volume={Path.Combine(folder, mount.SubPath ?? "")}:{mount.MountPath}:{(mount.ReadOnlyProperty == true ? "ro" : "rw")}";
    }
}

/// <summary>Where a pod runs on this machine.</summary>
/// <param name="PodName">Its name, which is its host name too.</param>
/// <param name="NetworkNamespace">Path of the network namespace that its containers share.</param>
/// <param name="HostsFile">A file that is its /etc/hosts.</param>
internal sealed record PodPlace(string PodName, string NetworkNamespace, string HostsFile);
