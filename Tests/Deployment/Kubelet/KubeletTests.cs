using k8s.Models;

namespace Emu3.Tests.Deployment.Kubelet;

/// <summary>The parts of the tests' own kubelet that decide something: a mistake in them would make the tests with containers prove nothing.</summary>
[Trait("Suite", "Fast")]
public sealed class KubeletTests
{
    private static readonly PodFields s_fields = new("emu3-control-00001", "emu3", "10.0.0.7", "node-a");

    [Theory]
    [InlineData("$(A)-$(B)", "1-$(B)")]
    [InlineData("$$(A)", "$(A)")]
    [InlineData("$A ${A} $(A", "$A ${A} $(A")]
    [InlineData("$(A)$(A)", "11")]
    public void References_AreExpanded_AsKubernetesDoes(string text, string expected) =>
        Assert.Equal(expected, ContainerEnvironment.Expand(text, new Dictionary<string, string> { ["A"] = "1" }));

    [Fact]
    public void Environment_TakesSourcesFirst_AndOnlyWhatWasNamedBefore()
    {
        var objects = ClusterObjects.Read("""
            apiVersion: v1
            kind: ConfigMap
            metadata: { name: one }
            data: { A: first, B: from the map }
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: { name: two }
            data: { A: second }
            ---
            apiVersion: v1
            kind: Secret
            metadata: { name: hidden }
            data: { key: c2VjcmV0 }
            """);
        var container = new V1Container
        {
            Name = "emu3",
            EnvFrom = [new() { ConfigMapRef = new() { Name = "one" } }, new() { ConfigMapRef = new() { Name = "two" } }],
            Env =
            [
                new() { Name = "EARLY", Value = "$(POD_IP)" },
                new() { Name = "POD_IP", ValueFrom = new() { FieldRef = new() { FieldPath = "status.podIP" } } },
                new() { Name = "LATE", Value = "$(POD_IP) $(A)" },
                new() { Name = "B", Value = "named" },
                new() { Name = "KEY", ValueFrom = new() { SecretKeyRef = new() { Name = "hidden", Key = "key" } } },
            ],
        };

        var environment = ContainerEnvironment.Of(container, objects, s_fields);

        Assert.Equal(
            new Dictionary<string, string> { ["A"] = "second", ["B"] = "named", ["EARLY"] = "$(POD_IP)", ["POD_IP"] = "10.0.0.7", ["LATE"] = "10.0.0.7 second", ["KEY"] = "secret" },
            environment);
    }

    [Fact]
    public void Environment_WithoutItsConfigMap_NamesIt() => Assert.Contains(
        "ConfigMap gone",
        Assert.Throws<KeyNotFoundException>(() => ContainerEnvironment.Of(
            new() { Name = "emu3", EnvFrom = [new() { ConfigMapRef = new() { Name = "gone" } }] }, ClusterObjects.Read(""), s_fields)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Probes_UntilTheStartupProbeSucceeds_AreNotAsked()
    {
        var state = new ProbeState(new()
        {
            StartupProbe = new() { PeriodSeconds = 2, FailureThreshold = 3 },
            ReadinessProbe = new() { PeriodSeconds = 5, FailureThreshold = 2 },
            LivenessProbe = new() { PeriodSeconds = 10 },
        });
        Assert.Equal([ProbeKind.Startup], Kinds(state, 0));
        state.Take(ProbeKind.Startup, false, Seconds(0));
        Assert.Empty(state.Due(Seconds(1.9)));
        Assert.Equal([ProbeKind.Startup], Kinds(state, 2));
        state.Take(ProbeKind.Startup, true, Seconds(2));
        Assert.True(state.HasStarted);
        Assert.False(state.IsReady);
        Assert.Equal([ProbeKind.Readiness, ProbeKind.Liveness], Kinds(state, 2));

        state.Take(ProbeKind.Readiness, true, Seconds(2));
        Assert.True(state.IsReady);
        state.Take(ProbeKind.Readiness, false, Seconds(7));
        Assert.True(state.IsReady);
        state.Take(ProbeKind.Readiness, false, Seconds(12));
        Assert.False(state.IsReady);
        Assert.Null(state.EndedBy);
    }

    [Theory]
    [InlineData("Startup")]
    [InlineData("Liveness")]
    public void Probe_FailingTooOftenInARow_EndsTheContainer(string name)
    {
        var kind = Enum.Parse<ProbeKind>(name);
        var probe = new V1Probe { FailureThreshold = 3 };
        var state = new ProbeState(kind == ProbeKind.Startup ? new() { StartupProbe = probe } : new() { LivenessProbe = probe });
        if (kind == ProbeKind.Liveness)
        {
            state.Take(kind, false, Seconds(0));
            state.Take(kind, false, Seconds(10));
            state.Take(kind, true, Seconds(20)); // no longer in a row
        }

        state.Take(kind, false, Seconds(30));
        state.Take(kind, false, Seconds(40));
        Assert.Null(state.EndedBy);
        state.Take(kind, false, Seconds(50));
        Assert.Equal(kind, state.EndedBy);
        Assert.False(state.IsReady);
    }

    [Fact]
    public void Container_WithoutProbes_IsReadyAtOnce() => Assert.True(new ProbeState(new()).IsReady);

    [Fact]
    public void Backoff_Doubles_ToALimit_AndBeginsAgainAfterALongRun()
    {
        var backoff = new RestartBackoff();
        Assert.Equal([1, 2, 4, 8, 10, 10], Enumerable.Range(0, 6).Select(_ => backoff.Next(Seconds(3)).TotalSeconds));
        Assert.Equal([1, 2], Enumerable.Range(0, 2).Select(run => backoff.Next(run == 0 ? RestartBackoff.LongRun : TimeSpan.Zero).TotalSeconds));
    }

    [Fact]
    public void Arguments_Say_WhatTheManifestAsks()
    {
        var container = new V1Container
        {
            Name = "emu3",
            Image = "localhost/emu3:dev",
            Args = ["silo", "$(WHERE)"],
            SecurityContext = new() { ReadOnlyRootFilesystem = true, AllowPrivilegeEscalation = false, Capabilities = new() { Drop = ["ALL"] } },
            Resources = new() { Limits = new Dictionary<string, ResourceQuantity> { ["memory"] = new("2Gi"), ["cpu"] = new("500m") } },
            VolumeMounts = [new() { Name = "blobs", MountPath = "/blobs" }, new() { Name = "database", MountPath = "/etc/database", ReadOnlyProperty = true }],
        };
        var pod = new V1PodSpec { SecurityContext = new() { RunAsUser = 1654, RunAsGroup = 1654, FsGroup = 2000 } };

        var arguments = PodmanArguments.Of(
            container, pod, new("emu3-1", "/run/netns/one", "/hosts"), new Dictionary<string, string> { ["WHERE"] = "here" },
            new Dictionary<string, string> { ["blobs"] = "/a", ["database"] = "/b" });

        Assert.Equal(
            [
                "--pull=never", "--network=ns:/run/netns/one", "--hostname=emu3-1", "--no-hosts", "--volume=/hosts:/etc/hosts:ro", "--user=1654:1654", "--group-add=2000",
                "--read-only", "--read-only-tmpfs=false", "--security-opt=no-new-privileges", "--cap-drop=all", "--memory=2147483648b", "--cpus=0.5",
                "--env=WHERE=here", "--volume=/a:/blobs:rw", "--volume=/b:/etc/database:ro", "localhost/emu3:dev", "silo", "here",
            ],
            arguments);
    }

    [Fact]
    public void Mount_OfNoVolume_NamesIt() => Assert.Contains("no volume lost", Assert.Throws<KeyNotFoundException>(() => PodmanArguments.Of(
        new() { Name = "emu3", VolumeMounts = [new() { Name = "lost", MountPath = "/x" }] }, new(), new("p", "n", "h"), new Dictionary<string, string>(), new Dictionary<string, string>()).ToList()).Message,
        StringComparison.Ordinal);

    /// <summary>Whatever a manifest asks for that is not done here is refused by its name, wherever it stands.</summary>
    [Theory]
    [InlineData("hostPID: true", "hostPID")]
    [InlineData("dnsPolicy: None", "dnsPolicy")]
    [InlineData("shareProcessNamespace: true", "shareProcessNamespace")]
    [InlineData("volumes: [{ name: x, hostPath: { path: / } }]", "volumes.hostPath.path")]
    [InlineData("volumes: [{ name: x, emptyDir: { medium: Memory } }]", "volumes.emptyDir.medium")]
    [InlineData("securityContext: { supplementalGroups: [5] }", "securityContext.supplementalGroups")]
    [InlineData("containers: [{ name: x, stdin: true }]", "containers.stdin")]
    [InlineData("containers: [{ name: x, lifecycle: { preStop: { exec: { command: [sleep] } } } }]", "containers.lifecycle.preStop.exec.command")]
    [InlineData("containers: [{ name: x, livenessProbe: { exec: { command: [ls] } } }]", "containers.livenessProbe.exec.command")]
    [InlineData("containers: [{ name: x, livenessProbe: { terminationGracePeriodSeconds: 3 } }]", "containers.livenessProbe.terminationGracePeriodSeconds")]
    [InlineData("containers: [{ name: x, env: [{ name: A, valueFrom: { resourceFieldRef: { resource: limits.cpu } } }] }]", "containers.env.valueFrom.resourceFieldRef.resource")]
    [InlineData("containers: [{ name: x, envFrom: [{ prefix: P, configMapRef: { name: c } }] }]", "containers.envFrom.prefix")]
    [InlineData("initContainers: [{ name: x, restartPolicy: Always }]", "initContainers.restartPolicy")]
    public void Field_ThatIsNotKnown_IsRefusedByName(string line, string field)
    {
        var objects = ClusterObjects.Read($$"""
            apiVersion: apps/v1
            kind: Deployment
            metadata: { name: one }
            spec:
              selector: {}
              template:
                spec:
                  {{line}}
            """);
        Assert.EndsWith($" {field}.", Assert.Throws<NotSupportedException>(() => KnownFields.Require(objects)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Kind_ThatIsNotKnown_IsRefused() => Assert.Throws<NotSupportedException>(() => ClusterObjects.Read("""
        apiVersion: batch/v1
        kind: Job
        metadata: { name: one }
        """));

    [Fact]
    public async Task Overlay_OfTheTests_HasNoFieldThatIsNotKnown() => KnownFields.Require(ClusterObjects.Read(await Kubectl.RenderAsync("k8s/overlays/kind")));

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private static IEnumerable<ProbeKind> Kinds(ProbeState state, double seconds) => state.Due(Seconds(seconds)).Select(due => due.Kind);
}
