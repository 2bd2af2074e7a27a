using System.Text.Json;
using k8s.Models;

namespace Emu3.Tests.Deployment.Manifests;

/// <summary>Whether selectors meet the pods that they are for, and no others.</summary>
internal static class Selectors
{
    public static IEnumerable<string> Check(ManifestSet set)
    {
        var workloads = set.Workloads;
        foreach (var workload in workloads)
        {
            if (!workload.Labels.Meets(workload.Selector)) yield return $"{workload.Name}: its selector does not meet its own pods.";
            foreach (var other in workloads.Where(other => other.Name != workload.Name && other.Labels.Meets(workload.Selector)))
                yield return $"{workload.Name}: its selector meets the pods of {other.Name}.";
            foreach (var spread in workload.Pod.TopologySpreadConstraints ?? [])
                if (!workload.Labels.Meets(spread.LabelSelector)) yield return $"{workload.Name}: its spread over {spread.TopologyKey} counts other pods than its own.";
        }

        foreach (var service in set.Of<V1Service>())
            if (workloads.Count(workload => workload.Labels.Meets(service.Spec.Selector)) != 1) yield return $"Service {service.Name()}: its selector does not meet the pods of exactly one workload.";
        foreach (var budget in set.Of<V1PodDisruptionBudget>())
        {
            if (workloads.Count(workload => workload.Labels.Meets(budget.Spec.Selector)) != 1) yield return $"PodDisruptionBudget {budget.Name()}: its selector does not meet the pods of exactly one workload.";
            if (budget.Spec.MaxUnavailable?.Value is not "1") yield return $"PodDisruptionBudget {budget.Name()}: it would hold up a drain of a node for ever where there is one replica.";
        }

        foreach (var monitor in set.Custom("PodMonitor"))
        {
            var selector = monitor["spec"]!["selector"]!["matchLabels"].Deserialize<Dictionary<string, string>>()!;
            foreach (var missed in workloads.Where(workload => workload.IsOurs && !workload.Labels.Meets(selector))) yield return $"{ManifestSet.Name(monitor)}: it does not meet the pods of {missed.Name}.";
        }

        // A budget for workers would hold up drains, which lose nothing there.
        foreach (var protectedOne in (string[])["control", "gateway"])
            if (!set.Of<V1PodDisruptionBudget>().Any(budget => workloads.Any(workload => workload.IsOurs && workload.Component == protectedOne && workload.Labels.Meets(budget.Spec.Selector))))
                yield return $"No disruption budget is for {protectedOne}.";
    }
}
