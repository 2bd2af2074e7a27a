using k8s.Models;

namespace Emu3.Tests.Deployment.Manifests;

/// <summary>Whether every image is one certain image of a named registry, and every container says what it needs.</summary>
internal static class Images
{
    public static IEnumerable<string> Check(ManifestSet set) =>
        from workload in set.Workloads
        from container in workload.AllContainers
        from problem in Check(container)
        select $"{workload.Name}, {container.Name}: {problem}";

    private static IEnumerable<string> Check(V1Container container)
    {
        var image = container.Image ?? "";
        var name = image.Split('@')[0];
        var tag = name.LastIndexOf(':') is var colon && colon > name.LastIndexOf('/') ? name[(colon + 1)..] : null;
        if (!image.Contains('/')) yield return $"the overlay does not say where the image {image} is.";
        if (!image.Contains("@sha256:") && tag is null or "latest") yield return $"the image {image} is not pinned by a tag or a digest.";
        if (container.Resources?.Requests is not { } requests || !requests.ContainsKey("cpu") || !requests.ContainsKey("memory")) yield return "it does not ask for processor and memory.";
        if (container.Resources?.Limits is not { } limits || !limits.ContainsKey("memory")) yield return "its memory has no limit.";
        else if (limits.ContainsKey("cpu")) yield return "its processor time has a limit: a silo that is throttled is taken for dead.";
    }
}
