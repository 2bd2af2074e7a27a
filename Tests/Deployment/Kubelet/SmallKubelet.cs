using System.Collections.Concurrent;
using System.Collections.ObjectModel;
using System.Diagnostics;
using System.Net;
using Emu3.Tests.Deployment.Containers;
using k8s.Models;

namespace Emu3.Tests.Deployment.Kubelet;

/// <summary>
/// Runs rendered manifests on this machine, unmodified, with podman: each pod with a network namespace and an address of its own, Services that lead to
/// ready pods, names in /etc/hosts. It does what a kubelet does to a pod, and of the controllers no more than the order of a rolling update. There
/// is no scheduler, no API server, no admission and no enforcement of policies.
/// </summary>
internal sealed class SmallKubelet : IAsyncDisposable
{
    private static readonly string[] s_nodes = ["node-a", "node-b"];
    private readonly List<Pod> _pods = [];
    private readonly List<ServiceRelay> _relays = [];
    private readonly string _folder;
    private readonly Dictionary<string, string> _serviceAddresses = [];
    private readonly ConcurrentQueue<string> _story = [];
    private readonly long _began = Stopwatch.GetTimestamp();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _podCount;

    private SmallKubelet(Podman podman, ClusterObjects objects, PodNetwork network)
    {
        (Podman, Objects, Network) = (podman, objects, network);
        _folder = Path.Combine(podman.RunFolder, Guid.NewGuid().ToString("n")); // claims are those of a cluster, and go with it
        Volumes = new(_folder, objects);
        Namespace = objects.All<V1Namespace>().Single().Metadata.Name;
    }

    public Podman Podman { get; }

    public ClusterObjects Objects { get; }

    public PodNetwork Network { get; }

    public PodVolumes Volumes { get; }

    public string Namespace { get; }

    /// <summary>How long a pod may take to be ready on a busy machine.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromMinutes(3);

    /// <summary>What has happened so far, a line each.</summary>
    public string Story => string.Join(Environment.NewLine, _story);

    public IReadOnlyList<Pod> Pods
    {
        get { lock (_pods) return [.. _pods]; }
    }

    /// <summary>Makes the Services, and no pod yet.</summary>
    /// <param name="podman">Runs the containers.</param>
    /// <param name="yaml">What kustomize rendered.</param>
    /// <exception cref="NotSupportedException">It has a field or a kind that is not known here.</exception>
    public static async Task<SmallKubelet> StartAsync(Podman podman, string yaml)
    {
        var objects = ClusterObjects.Read(yaml);
        KnownFields.Require(objects);
        var kubelet = new SmallKubelet(podman, objects, await PodNetwork.MakeAsync());
        foreach (var service in objects.All<V1Service>()) await kubelet.AddServiceAsync(service);
        return kubelet;
    }

    /// <summary>Makes all pods of all sets, in the given order of their names; those that are not named come last, all at once.</summary>
    public async Task ApplyAsync(params IReadOnlyList<string> first)
    {
        var sets = Objects.All<V1Deployment>().Select(set => set.Metadata.Name).Concat(Objects.All<V1StatefulSet>().Select(set => set.Metadata.Name));
        foreach (var set in first.Concat(sets.Except(first)))
            for (var replica = 0; replica < ReplicasOf(set); replica++) await AddPodAsync(set, replica);
    }

    /// <summary>The pods of a set that were not deleted.</summary>
    public IReadOnlyList<Pod> Of(string set) => [.. Pods.Where(pod => pod.Plan.Owner == set)];

    /// <summary>Another pod for one that is lost: of a StatefulSet under the same name, of a Deployment under another.</summary>
    public Task<Pod> ReplaceAsync(Pod lost) => AddPodAsync(lost.Plan.Owner, 0);

    /// <summary>
    /// Replaces each pod of a set as its strategy says: with a surge the new one first, and the old one when that was ready for
    /// <c>minReadySeconds</c>; without one the old one first.
    /// </summary>
    /// <returns>How the old ones ended.</returns>
    public async Task<IReadOnlyList<PodEnd>> RollAsync(string set)
    {
        Tell(set, "rolled");
        var ends = new List<PodEnd>();
        var deployment = Objects.All<V1Deployment>().FirstOrDefault(one => one.Metadata.Name == set);
        var hasSurge = deployment?.Spec.Strategy?.RollingUpdate?.MaxSurge?.Value is { } surge && surge != "0";
        foreach (var old in Of(set))
        {
            if (!hasSurge) ends.Add(await old.DeleteAsync());
            var next = await ReplaceAsync(old);
            await UntilAsync(() => next.IsReady, $"{next.Name} is ready");
            if (deployment?.Spec.MinReadySeconds is { } seconds) await Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System);
            if (hasSurge) ends.Add(await old.DeleteAsync());
        }

        return ends;
    }

    /// <summary>Waits until every set has its pods, and all of them are ready.</summary>
    public Task ReadyAsync() => UntilAsync(
        () => Pods.All(pod => pod.IsReady) && Objects.All<V1Deployment>().All(set => Of(set.Metadata.Name).Count == (set.Spec.Replicas ?? 1)), "all pods are ready");

    /// <summary>Waits for something that is looked at with each change of a pod. Fails with the whole story when it does not come, or a pod can't be run.</summary>
    public async Task UntilAsync(Func<bool> condition, string what)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        while (true)
        {
            var changed = Volatile.Read(ref _changed).Task;
            if (Pods.FirstOrDefault(pod => pod.Failure is not null) is { } failed) Assert.Fail($"{failed.Name} can't be run: {failed.Failure}");
            if (condition()) return;
            try
            {
                await changed.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
            {
                Assert.Fail($"For {Patience.TotalMinutes} minutes this has not come: {what}.{Environment.NewLine}{await TellAllAsync()}");
            }
        }
    }

    /// <summary>The last lines of every log, and what has happened.</summary>
    public async Task<string> TellAllAsync()
    {
        var text = new List<string>();
        foreach (var pod in Pods) text.Add($"== {pod.Name}{Environment.NewLine}{await pod.ReadLogAsync(20)}");
        return string.Join(Environment.NewLine, [.. text.Select(log => string.Join('\n', log.Split('\n').Select(line => line[..Math.Min(line.Length, 400)]))), Story]);
    }

    /// <summary>Where a port of a Service is reached from this machine.</summary>
    public Uri AddressOf(string service, string port) =>
        new($"http://{_serviceAddresses[service]}:{Objects.Named<V1Service>(service).Spec.Ports.Single(one => one.Name == port).Port}");

    /// <summary>Runs a pod of one container to its end, as a Job would.</summary>
    /// <param name="name">Of the pod.</param>
    /// <param name="spec">What it is made of.</param>
    /// <param name="more">Arguments of <c>podman run</c> beside those that the specification asks for.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<PodmanResult> RunAsync(string name, V1PodSpec spec, IReadOnlyList<string> more, CancellationToken cancellationToken)
    {
        var place = await Network.AddPodAsync();
        var (container, plan) = (spec.Containers.Single(), new PodPlan("", name, s_nodes[0], new Dictionary<string, string>(), spec, []));
        var environment = ContainerEnvironment.Of(container, Objects, new(name, Namespace, place.Address, plan.Node));
        var arguments = PodmanArguments.Of(container, spec, new(name, place.NamespacePath, WriteHosts(name, place.Address)), environment, await Volumes.MakeAsync(plan));
        var result = await Podman.RunAsync(["run", "--rm", $"--name={name}", .. more, .. arguments], cancellationToken);
        await PodNetwork.RemovePodAsync(place);
        return result;
    }

    /// <summary>Writes a pod's /etc/hosts, in place: it is mounted.</summary>
    /// <returns>Its path.</returns>
    public string WriteHosts(string pod, string address)
    {
        var path = Volumes.PathOf(pod, "hosts");
        lock (_serviceAddresses) File.WriteAllLines(path, ["127.0.0.1 localhost", $"{address} {pod}", .. Names()]);
        return path;
    }

    public void Add(Pod pod)
    {
        lock (_pods) _pods.Add(pod);
        Changed();
    }

    public void Remove(Pod pod)
    {
        lock (_pods) _pods.Remove(pod);
        Volumes.Remove(pod.Name);
        pod.Dispose();
        Changed();
    }

    /// <summary>Something of a pod is different now: names lead elsewhere, and who waits looks again.</summary>
    public void Changed()
    {
        foreach (var pod in Pods) WriteHosts(pod.Name, pod.Place.Address);
        Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    public void Tell(string who, string what)
    {
        var line = $"{Stopwatch.GetElapsedTime(_began).TotalSeconds,6:0.0} s {who}: {what}";
        _story.Enqueue(line);
        TestContext.Current.SendDiagnosticMessage(line);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var pod in Pods) await pod.LoseAsync();
        foreach (var relay in _relays) await relay.DisposeAsync();
        await PodNetwork.ClearAsync();
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    private int ReplicasOf(string set) => (Objects.All<V1Deployment>().FirstOrDefault(one => one.Metadata.Name == set)?.Spec.Replicas
        ?? Objects.All<V1StatefulSet>().FirstOrDefault(one => one.Metadata.Name == set)?.Spec.Replicas) ?? 1;

    private async Task<Pod> AddPodAsync(string set, int ordinal)
    {
        var number = Interlocked.Increment(ref _podCount);
        var node = s_nodes[number % s_nodes.Length];
        if (Objects.All<V1StatefulSet>().FirstOrDefault(one => one.Metadata.Name == set) is { } stateful)
        {
            var claims = (stateful.Spec.VolumeClaimTemplates ?? []).Select(claim => claim.Metadata.Name).ToList();
            return await Pod.StartAsync(this, new(set, $"{set}-{ordinal}", node, LabelsOf(stateful.Spec.Template), stateful.Spec.Template.Spec, claims));
        }

        var template = Objects.Named<V1Deployment>(set).Spec.Template;
        return await Pod.StartAsync(this, new(set, $"{set}-{number:x5}", node, LabelsOf(template), template.Spec, []));
    }

    private static ReadOnlyDictionary<string, string> LabelsOf(V1PodTemplateSpec template) => template.Metadata.Labels.AsReadOnly();

    private async Task AddServiceAsync(V1Service service)
    {
        if (service.Spec.ClusterIP == "None") return; // its name leads to the pods themselves
        var address = await Network.AddServiceAsync();
        _serviceAddresses.Add(service.Metadata.Name, address);
        foreach (var port in service.Spec.Ports)
        {
            _relays.Add(new(new(IPAddress.Parse(address), port.Port), () =>
                [.. ReadyPodsOf(service).Select(pod => new IPEndPoint(IPAddress.Parse(pod.Place.Address), pod.PortOf(port.TargetPort ?? port.Port)))]));
        }
    }

    private IEnumerable<Pod> ReadyPodsOf(V1Service service) => Pods.Where(pod => pod.IsReady && pod.Plan.IsSelectedBy(service.Spec.Selector));

    /// <summary>Names of Services as a cluster's DNS has them.</summary>
    private IEnumerable<string> Names() =>
        from service in Objects.All<V1Service>()
        let name = service.Metadata.Name
        from address in service.Spec.ClusterIP == "None" ? ReadyPodsOf(service).Select(pod => pod.Place.Address) : [_serviceAddresses[name]]
        select $"{address} {name} {name}.{Namespace} {name}.{Namespace}.svc {name}.{Namespace}.svc.cluster.local";
}
