using k8s.Models;

namespace Emu3.Tests.Deployment.Manifests;

/// <summary>Whether pods get the time that their program takes to start and to stop, and updates go in the order that loses nothing.</summary>
internal static class Lifetimes
{
    /// <summary>What <c>Silo:StopTimeout</c> and <c>Gateway:StopTimeout</c> ask for beyond themselves.</summary>
    private static readonly TimeSpan s_beyond = TimeSpan.FromSeconds(5);

    /// <summary>Silos that died with their node are waited for so long beyond <c>Cluster:DatabaseWait</c>.</summary>
    private static readonly TimeSpan s_predecessors = TimeSpan.FromSeconds(30);

    /// <summary>A process that does not answer for less than this is only busy.</summary>
    private static readonly TimeSpan s_busy = TimeSpan.FromSeconds(12), s_stuck = TimeSpan.FromMinutes(1);

    /// <summary>17 GB of weights at 10 MB/s.</summary>
    private static readonly TimeSpan s_load = TimeSpan.FromMinutes(28);

    public static IEnumerable<string> Check(ManifestSet set) => set.Workloads.Where(workload => workload.IsOurs).SelectMany(workload => OfPod(set, workload)).Concat(set.Of<V1Deployment>().SelectMany(OfUpdate));

    private static IEnumerable<string> OfPod(ManifestSet set, Workload workload)
    {
        var container = workload.Pod.Containers.Single();
        var grace = TimeSpan.FromSeconds(workload.Pod.TerminationGracePeriodSeconds ?? 30);
        var before = TimeSpan.FromSeconds(container.Lifecycle?.PreStop?.Sleep?.Seconds ?? 0);
        var needed = before + Settings.StopTimeout(set, workload, container) + s_beyond;
        if (grace < needed) yield return $"{workload.Name}: terminationGracePeriodSeconds is {grace.TotalSeconds:0}, and its stop may take {needed.TotalSeconds:0} s.";
        if (workload.Component == "gateway" && before <= TimeSpan.Zero) yield return $"{workload.Name}: it stops listening before nodes know that it left the Service.";
        var starting = Settings.DatabaseWait(set, container) + (workload.Component == "worker" ? TimeSpan.Zero : s_predecessors);
        if (Patience(container.StartupProbe) is not { } start || start < starting || (workload.Component == "worker" && start < s_load)) yield return $"{workload.Name}: its start gets {Patience(container.StartupProbe)}, which is too short.";
        if (Patience(container.ReadinessProbe) is not { } ready || ready < s_busy) yield return $"{workload.Name}: it is out of its Service after {Patience(container.ReadinessProbe)}, which is too soon.";
        if (Patience(container.LivenessProbe) is not { } alive || alive < s_stuck) yield return $"{workload.Name}: it is killed after {Patience(container.LivenessProbe)} without an answer, which is too soon.";
    }

    private static IEnumerable<string> OfUpdate(V1Deployment deployment)
    {
        var update = deployment.Spec.Strategy?.RollingUpdate;
        var isWorker = deployment.Spec.Template.Metadata.Labels["app.kubernetes.io/component"] == "worker";
        var (surge, unavailable) = isWorker ? ("0", "1") : ("1", "0");
        if (update?.MaxSurge?.Value != surge || update.MaxUnavailable?.Value != unavailable)
            yield return $"{deployment.Name()}: maxSurge/maxUnavailable are {update?.MaxSurge?.Value}/{update?.MaxUnavailable?.Value}, and must be {surge}/{unavailable}{(isWorker ? ": there is no spare GPU for a new pod" : "")}.";
    }

    private static TimeSpan? Patience(V1Probe? probe) => probe is null ? null : TimeSpan.FromSeconds((probe.PeriodSeconds ?? 10) * (probe.FailureThreshold ?? 3));
}
