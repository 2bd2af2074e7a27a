using k8s.Models;

namespace Emu3.Tests.Deployment.Manifests;

/// <summary>The pod security standard "restricted" of Kubernetes 1.33, and what we ask beyond it: a read-only root, a known user, secrets in files alone.</summary>
internal static class PodSecurity
{
    private const long OurUser = 1654;

    public static IEnumerable<string> Check(ManifestSet set)
    {
        var space = set.Of<V1Namespace>().SingleOrDefault();
        if (space?.Metadata.Labels is not { } labels || !labels.TryGetValue("pod-security.kubernetes.io/enforce", out var level) || level != "restricted")
            yield return "The namespace does not enforce the standard \"restricted\".";
        foreach (var workload in set.Workloads)
        {
            foreach (var problem in OfPod(workload)) yield return $"{workload.Name}: {problem}";
            foreach (var container in workload.AllContainers)
                foreach (var problem in OfContainer(container, workload.Pod.SecurityContext)) yield return $"{workload.Name}, {container.Name}: {problem}";
        }
    }

    private static IEnumerable<string> OfPod(Workload workload)
    {
        var pod = workload.Pod;
        if (pod.HostNetwork is true || pod.HostPID is true || pod.HostIPC is true) yield return "it shares the node's network, processes or memory.";
        foreach (var volume in pod.Volumes ?? [])
            if (volume.ConfigMap is null && volume.Csi is null && volume.DownwardAPI is null && volume.EmptyDir is null && volume.Ephemeral is null && volume.PersistentVolumeClaim is null
                && volume.Projected is null && volume.Secret is null)
                yield return $"the volume {volume.Name} is of a kind that is not allowed.";
        if (pod.SecurityContext is not { } context)
        {
            yield return "it has no security context.";
            yield break;
        }

        if (context.RunAsNonRoot is not true) yield return "runAsNonRoot is not true.";
        if (workload.IsOurs ? context.RunAsUser != OurUser : context.RunAsUser is null or 0) yield return $"runAsUser is {context.RunAsUser}.";
        if (context.SeccompProfile?.Type is not ("RuntimeDefault" or "Localhost")) yield return "the seccomp profile is not RuntimeDefault.";
        if (context.Sysctls is { Count: > 0 }) yield return "it sets sysctls.";
        if (pod.AutomountServiceAccountToken is not false) yield return "it gets a token of the API server, which nothing here asks.";
        if (pod.EnableServiceLinks is not false) yield return "it gets variables for every service.";
    }

    private static IEnumerable<string> OfContainer(V1Container container, V1PodSecurityContext? pod)
    {
        foreach (var port in (container.Ports ?? []).Where(port => port.HostPort is > 0)) yield return $"the port {port.Name} is one of the node's.";
        foreach (var variable in (container.Env ?? []).Where(variable => variable.ValueFrom?.SecretKeyRef is not null)) yield return $"the variable {variable.Name} holds a secret; mount it as a file.";
        if ((container.EnvFrom ?? []).Any(from => from.SecretRef is not null)) yield return "variables hold secrets; mount them as files.";
        if (container.SecurityContext is not { } context)
        {
            yield return "it has no security context.";
            yield break;
        }

        if (context.AllowPrivilegeEscalation is not false) yield return "allowPrivilegeEscalation is not false.";
        if (context.Privileged is true) yield return "it is privileged.";
        if (context.ReadOnlyRootFilesystem is not true) yield return "its root can be written.";
        if (context.Capabilities?.Drop is not { } drop || !drop.Contains("ALL") || context.Capabilities.Add is { Count: > 0 }) yield return "it keeps capabilities.";
        if (context.RunAsNonRoot is false || context.RunAsUser is 0) yield return "it may be root.";
        if (context.ProcMount is not (null or "Default")) yield return "it sees more of /proc.";
        if (context.SeccompProfile is { Type: "Unconfined" } || (context.SeccompProfile is null && pod?.SeccompProfile is null)) yield return "it has no seccomp profile.";
    }
}
