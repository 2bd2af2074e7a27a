using System.Diagnostics;
using System.Net.Sockets;
using Emu3.Tests.Deployment.Containers;
using k8s.Models;

namespace Emu3.Tests.Deployment.Kubelet;

/// <summary>A pod on this machine, from its first init container to its end.</summary>
internal sealed class Pod : IDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);
    private static readonly HttpClient s_http = new(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly SmallKubelet _kubelet;
    private readonly CancellationTokenSource _ends = new();
    private readonly long _born = Stopwatch.GetTimestamp();
    private Task _run = Task.CompletedTask;

    private Pod(SmallKubelet kubelet, PodPlan plan, PodAddress place) => (_kubelet, Plan, Place) = (kubelet, plan, place);

    public PodPlan Plan { get; }

    public PodAddress Place { get; }

    public string Name => Plan.Name;

    /// <summary>All its containers are ready, and nobody has told it to end.</summary>
    public bool IsReady { get; private set; }

    /// <summary>From its making until it was ready for the first time; null while it was not.</summary>
    public TimeSpan? ReadyAfter { get; private set; }

    /// <summary>Containers that have ended and were started again.</summary>
    public int RestartCount { get; private set; }

    /// <summary>Why it can't run: a manifest that this kubelet can't carry out. Null otherwise.</summary>
    public Exception? Failure { get; private set; }

    private V1Container Main => Plan.Spec.Containers.Single();

    private string MainName => $"{Name}.{Main.Name}";

    public static async Task<Pod> StartAsync(SmallKubelet kubelet, PodPlan plan)
    {
        var pod = new Pod(kubelet, plan, await kubelet.Network.AddPodAsync());
        kubelet.Add(pod);
        pod._run = Task.Run(pod.RunAsync);
        return pod;
    }

    /// <summary>As a process that dies of itself: SIGKILL. The pod stays, at its address, and starts it again.</summary>
    public async Task KillProcessAsync()
    {
        _kubelet.Tell(Name, "its process is killed");
        var restarts = RestartCount;
        await _kubelet.Podman.DoAsync(["kill", "--signal=KILL", MainName], CancellationToken.None);
        await _kubelet.UntilAsync(() => RestartCount > restarts, $"{Name} starts its container again");
    }

    /// <summary>
    /// As a kubelet ends a pod: no Service leads to it any more, preStop, SIGTERM, and SIGKILL when the grace period is over.
    /// </summary>
    public async Task<PodEnd> DeleteAsync()
    {
        var began = Stopwatch.GetTimestamp();
        await LeaveServicesAsync();
        if (Main.Lifecycle?.PreStop?.Sleep is { } sleep) await Task.Delay(TimeSpan.FromSeconds(sleep.Seconds), TimeProvider.System);
        var grace = Plan.Spec.TerminationGracePeriodSeconds ?? 30;
        var left = Math.Max(0, (int)(grace - Stopwatch.GetElapsedTime(began).TotalSeconds));
        await _kubelet.Podman.RunAsync(["stop", "--ignore", $"--time={left}", MainName], CancellationToken.None);
        var code = await _kubelet.Podman.RunAsync(["inspect", "--format={{.State.ExitCode}}", MainName], CancellationToken.None);
        await RemoveAsync();
        var end = new PodEnd(int.TryParse(code.Output, out var number) ? number : null, Stopwatch.GetElapsedTime(began), TimeSpan.FromSeconds(grace));
        _kubelet.Tell(Name, $"deleted in {end.Took.TotalSeconds:0.0} of {grace} s, exit code {end.ExitCode}");
        return end;
    }

    /// <summary>As a node that dies: the network first, so that nothing it does is heard any more; then all of it at once.</summary>
    public async Task LoseAsync()
    {
        _kubelet.Tell(Name, "lost with its node");
        await PodNetwork.CutAsync(Place);
        await LeaveServicesAsync();
        await RemoveAsync();
    }

    /// <summary>What its container has written.</summary>
    public async Task<string> ReadLogAsync(int lines) =>
        await _kubelet.Podman.RunAsync(["logs", $"--tail={lines}", MainName], CancellationToken.None) is var log ? $"{log.Output}{Environment.NewLine}{log.Error}" : "";

    public void Dispose() => _ends.Dispose();

    private async Task LeaveServicesAsync()
    {
        await _ends.CancelAsync();
        while (await Task.WhenAny(_run, Task.Delay(s_look, TimeProvider.System)) != _run)
        {
            foreach (var init in Plan.Spec.InitContainers ?? [])
                await _kubelet.Podman.RunAsync(["rm", "--force", "--ignore", "--time=0", $"{Name}.{init.Name}"], CancellationToken.None);
        }

        SetReady(false);
    }

    private async Task RemoveAsync()
    {
        foreach (var container in Plan.Spec.Containers.Concat(Plan.Spec.InitContainers ?? []))
            await _kubelet.Podman.RunAsync(["rm", "--force", "--ignore", "--time=0", "--volumes", $"{Name}.{container.Name}"], CancellationToken.None);
        await PodNetwork.RemovePodAsync(Place);
        _kubelet.Remove(this);
    }

    private async Task RunAsync()
    {
        try
        {
            foreach (var init in Plan.Spec.InitContainers ?? []) await RunInitAsync(init);
            await RunMainAsync();
        }
        catch (OperationCanceledException) when (_ends.IsCancellationRequested)
        {
            // It is deleted.
        }
        catch (Exception failure)
        {
            Failure = failure;
            _kubelet.Changed();
        }
    }

    private async Task RunInitAsync(V1Container init)
    {
        var backoff = new RestartBackoff();
        while (true)
        {
            var began = Stopwatch.GetTimestamp();
            // Not cancelled: podman that is killed while it makes a container leaves a half-made one. Whoever ends the pod removes the container.
            var end = await _kubelet.Podman.RunAsync(["run", "--rm", $"--name={Name}.{init.Name}", .. await ArgumentsAsync(init)], CancellationToken.None);
            _ends.Token.ThrowIfCancellationRequested();
            _kubelet.Tell(Name, $"{init.Name} ended with {end.ExitCode}: {LastLine(end)}");
            if (end.ExitCode == 0) return;
            RestartCount++;
            await Task.Delay(backoff.Next(Stopwatch.GetElapsedTime(began)), TimeProvider.System, _ends.Token);
        }
    }

    private async Task RunMainAsync()
    {
        var backoff = new RestartBackoff();
        while (true)
        {
            await _kubelet.Podman.RunAsync(["rm", "--force", "--ignore", MainName], _ends.Token);
            var arguments = await ArgumentsAsync(Main);
            var began = Stopwatch.GetTimestamp();
            // Not cancelled half way: a container that is started is one that is known.
            await _kubelet.Podman.DoAsync(["run", "--detach", $"--name={MainName}", .. arguments], CancellationToken.None);
            var code = await WatchAsync(began);
            SetReady(false);
            _kubelet.Tell(Name, $"ended with {code}: {LastLine(await _kubelet.Podman.RunAsync(["logs", "--tail=3", MainName], _ends.Token))}");
            await Task.Delay(backoff.Next(Stopwatch.GetElapsedTime(began)), TimeProvider.System, _ends.Token);
            RestartCount++;
            _kubelet.Changed();
        }
    }

    /// <summary>Asks the probes until the container ends, by itself or by them.</summary>
    /// <returns>Its exit code.</returns>
    private async Task<string> WatchAsync(long began)
    {
        var probes = new ProbeState(Main);
        var end = _kubelet.Podman.DoAsync(["wait", "--interval=200ms", MainName], _ends.Token);
        while (!end.IsCompleted)
        {
            foreach (var (kind, probe) in probes.Due(Stopwatch.GetElapsedTime(began)))
                probes.Take(kind, await AnswersAsync(probe), Stopwatch.GetElapsedTime(began));
            SetReady(probes.IsReady);
            if (probes.EndedBy is { } kindThatEnded)
            {
                _kubelet.Tell(Name, $"its {kindThatEnded} probe ends it");
                await _kubelet.Podman.DoAsync(["stop", $"--time={Plan.Spec.TerminationGracePeriodSeconds ?? 30}", MainName], _ends.Token);
                break;
            }

            await Task.WhenAny(end, Task.Delay(s_look, TimeProvider.System, _ends.Token));
        }

        return await end;
    }

    private async Task<bool> AnswersAsync(V1Probe probe)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_ends.Token);
        patience.CancelAfter(TimeSpan.FromSeconds(probe.TimeoutSeconds ?? 1));
        try
        {
            if (probe.TcpSocket is { } tcp)
            {
                using var client = new TcpClient();
                await client.ConnectAsync(Place.Address, PortOf(tcp.Port), patience.Token);
                return true;
            }

            var http = probe.HttpGet ?? throw new NotSupportedException($"{Name}: a probe that is neither of HTTP nor of TCP.");
            using var answer = await s_http.GetAsync(new Uri($"http://{Place.Address}:{PortOf(http.Port)}{http.Path}"), HttpCompletionOption.ResponseHeadersRead, patience.Token);
            return (int)answer.StatusCode is >= 200 and < 400;
        }
        catch (Exception silence) when (silence is HttpRequestException or SocketException or IOException
            || (silence is OperationCanceledException && !_ends.IsCancellationRequested))
        {
            return false;
        }
    }

    /// <summary>The number of a port that a manifest names.</summary>
    public int PortOf(IntOrString port) =>
        int.TryParse(port.Value, out var number) ? number : Main.Ports.Single(one => one.Name == port.Value).ContainerPort;

    private async Task<IEnumerable<string>> ArgumentsAsync(V1Container container)
    {
        var fields = new PodFields(Name, _kubelet.Namespace, Place.Address, Plan.Node);
        var place = new PodPlace(Name, Place.NamespacePath, _kubelet.WriteHosts(Name, Place.Address));
        return PodmanArguments.Of(
            container, Plan.Spec, place, ContainerEnvironment.Of(container, _kubelet.Objects, fields), await _kubelet.Volumes.MakeAsync(Plan));
    }

    private void SetReady(bool isReady)
    {
        if (IsReady == isReady) return;
        IsReady = isReady;
        var age = Stopwatch.GetElapsedTime(_born);
        if (isReady) ReadyAfter ??= age;
        _kubelet.Tell(Name, $"{(isReady ? "ready" : "not ready")} at the age of {age.TotalSeconds:0.0} s");
        _kubelet.Changed();
    }

    private static string LastLine(PodmanResult result) => $"{result.Output}\n{result.Error}".Trim().Split('\n')[^1];
}

/// <summary>How a pod ended that was deleted.</summary>
/// <param name="ExitCode">Of its container; null when it did not run.</param>
/// <param name="Took">From the deletion to its end.</param>
/// <param name="Grace">What it was given.</param>
internal sealed record PodEnd(int? ExitCode, TimeSpan Took, TimeSpan Grace);
