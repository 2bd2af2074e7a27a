using System.Collections.Concurrent;
using Emu3.Tests.Deployment.Manifests;
using k8s.Models;

namespace Emu3.Tests.Deployment;

/// <summary>The manifests of <c>k8s/</c>, rendered and held to everything that can be known without a cluster.</summary>
[Trait("Suite", "Fast")]
public sealed class ManifestTests
{
    private static readonly ConcurrentDictionary<string, Task<string>> s_rendered = new();

    public static TheoryData<string, string> OverlaysAndChecks => new(from overlay in Kubectl.Overlays from check in ManifestChecks.All.Keys select (overlay, check));

    [Theory]
    [MemberData(nameof(OverlaysAndChecks))]
    public async Task Overlay_Rendered_PassesTheCheck(string overlay, string check)
    {
        var set = ManifestSet.Read(await RenderedAsync(overlay));
        Assert.NotEmpty(set.Workloads);
        Assert.Empty(ManifestChecks.All[check](set));
    }

    /// <summary>The tests of the tests: a mistake in a manifest that renders all the same, and the check that must tell of it.</summary>
    [Theory]
    [InlineData("kind", "memory: 2Gi", "memory: 2GiB", nameof(ManifestSet.TypeProblems), "Deployment emu3-control")]
    [InlineData("kind", "value: \"11111\"", "value: 11111", nameof(ManifestSchemas), "/value")]
    [InlineData("kind", "readinessProbe:", "readinesProbe:", nameof(ManifestSchemas), "/readinesProbe")]
    [InlineData("production", "cooldownPeriod:", "coolDownPeriod:", nameof(ManifestSchemas), "/coolDownPeriod")]
    [InlineData("production", "    name: emu3-worker\n  triggers:", "    name: emu3-workers\n  triggers:", nameof(References), "no Deployment emu3-workers")]
    [InlineData("production", "secretName: emu3-database", "secretName: emu3-databases", nameof(References), "no secret emu3-databases")]
    [InlineData("kind", "claimName: emu3-blobs", "claimName: emu3-blob", nameof(References), "no claim emu3-blob")]
    [InlineData("kind", "value: $(POD_IP)", "value: $(POD_ID)", nameof(References), "uses $(POD_ID)")]
    [InlineData("kind", "            port: metrics", "            port: metric", nameof(References), "port metric is none of")]
    [InlineData("kind", "value: /etc/emu3/admin/key", "value: /etc/emu3/admin/keys", nameof(References), "has key")]
    [InlineData("kind", "    targetPort: http", "    targetPort: https", nameof(References), "no port https")]
    [InlineData("kind", "  selector:\n    app.kubernetes.io/component: gateway", "  selector:\n    app.kubernetes.io/component: gateways", nameof(Selectors), "Service emu3-gateway")]
    [InlineData("kind", "  maxUnavailable: 1\n", "  maxUnavailable: 0\n", nameof(Selectors), "hold up a drain")]
    [InlineData("kind", "    - port: clients", "    - port: silo", nameof(Flows), "emu3-gateway can't reach emu3-control on 30000")]
    [InlineData("kind", "  name: default-deny\n  namespace: emu3\nspec:\n  podSelector: {}", "  name: default-deny\n  namespace: emu3\nspec:\n  podSelector: {}\n  egress:\n  - {}", nameof(Flows), "may reach a public address on 22")]
    [InlineData("kind", "        - 10.0.0.0/8\n", "", nameof(Flows), "emu3-control may reach a private address on 443")]
    [InlineData("kind", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", nameof(PodSecurity), "its root can be written")]
    [InlineData("kind", "runAsUser: 1654", "runAsUser: 0", nameof(PodSecurity), "runAsUser is 0")]
    [InlineData("kind", "      - emptyDir: {}\n        name: tmp", "      - hostPath:\n          path: /tmp\n        name: tmp", nameof(PodSecurity), "a kind that is not allowed")]
    [InlineData("kind", "image: localhost/emu3:dev", "image: localhost/emu3", nameof(Images), "not pinned")]
    [InlineData("kind", "name: Silo__AdvertisedAddress", "name: Silo__AdvertizedAddress", nameof(Settings), "AdvertizedAddress")]
    [InlineData("kind", "name: Gateway__Keys", "name: Gateways__Keys", nameof(Settings), "Gateways__Keys is read by nobody")]
    [InlineData("kind", "value: control", "value: controls", nameof(Settings), "'controls'")]
    [InlineData("kind", "- --wait", "- --await", nameof(Settings.CheckArguments), "--await")]
    [InlineData("kind", "terminationGracePeriodSeconds: 90", "terminationGracePeriodSeconds: 30", nameof(Lifetimes), "its stop may take 65 s")]
    [InlineData("kind", "value: \"00:00:45\"", "value: \"00:01:45\"", nameof(Lifetimes), "its stop may take 115 s")]
    [InlineData("kind", "failureThreshold: 180\n          httpGet:\n            path: /health/startup\n            port: metrics\n          periodSeconds: 2", "failureThreshold: 60\n          httpGet:\n            path: /health/startup\n            port: metrics\n          periodSeconds: 2", nameof(Lifetimes), "its start gets 00:02:00")]
    [InlineData("production", "      maxSurge: 0\n      maxUnavailable: 1", "      maxSurge: 1\n      maxUnavailable: 0", nameof(Lifetimes), "no spare GPU")]
    public async Task Mistake_InAnOverlay_IsCaught(string overlay, string right, string wrong, string check, string told)
    {
        var yaml = await RenderedAsync($"k8s/overlays/{overlay}");
        Assert.Contains(right, yaml, StringComparison.Ordinal);
        var problems = ManifestChecks.All[check](ManifestSet.Read(yaml.Replace(right, wrong, StringComparison.Ordinal)));
        Assert.Contains(problems, problem => problem.Contains(told, StringComparison.Ordinal));
    }

    [Fact]
    public async Task NetworkPolicies_EachMeetAPod_InSomeOverlay()
    {
        var unused = new HashSet<string>();
        var used = new HashSet<string>();
        foreach (var overlay in Kubectl.Overlays)
        {
            var set = ManifestSet.Read(await RenderedAsync(overlay));
            foreach (var policy in set.Of<V1NetworkPolicy>()) (set.Workloads.Any(workload => workload.Labels.Meets(policy.Spec.PodSelector ?? new())) ? used : unused).Add(policy.Name());
        }

        Assert.Empty(unused.Except(used));
    }

    [Fact]
    public void Components_AreEach_PartOfAnOverlay()
    {
        var used = Kubectl.Overlays.SelectMany(overlay => File.ReadLines(Repository.PathTo(overlay, "kustomization.yaml"))).Where(line => line.Contains("components/", StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf("components/", StringComparison.Ordinal) + "components/".Length)..].Trim()).ToHashSet();
        var there = Directory.EnumerateFiles(Repository.PathTo("k8s", "components"), "kustomization.yaml", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Repository.PathTo("k8s", "components"), Path.GetDirectoryName(file)!));
        Assert.Empty(there.Except(used));
    }

    private static Task<string> RenderedAsync(string overlay) => s_rendered.GetOrAdd(overlay, Kubectl.RenderAsync);
}
