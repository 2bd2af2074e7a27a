using System.Globalization;
using System.Net;
using System.Text;
using Emu3.Benchmarks.Chaos;
using Emu3.Benchmarks.Processes;
using Emu3.Tests.Deployment.Containers;
using Emu3.Tests.Deployment.Kubelet;
using Emu3.Tests.Fakes;
using k8s.Models;

namespace Emu3.Tests.Deployment;

/// <summary>The overlay <c>kind</c>, run unmodified with the images that <c>k8s/image/Dockerfile</c> makes.</summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class OverlayTests(BuiltImages images) : IClassFixture<BuiltImages>
{
    private const int ItemsInJob = 12;

    /// <summary>As Tests/Deployment/Kubelet/object-store names it.</summary>
    private const int StorePort = 8000;

    private static readonly TimeSpan s_fault = Outages.Of(TimeSpan.FromSeconds(12));

    /// <summary>Pictures that take long enough to be disturbed inside.</summary>
    private static readonly PictureJob s_work = new(RecipeCount: 12, Size: "128x128");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>
    /// Everything comes up whatever starts first. Then, while jobs run: the worker is rolled, a control silo's process dies, another is lost with its
    /// node, the gateway is rolled under its streams, PostgreSQL is restarted. Every picture is that of an undisturbed run, told once.
    /// </summary>
    [Fact]
    public async Task Overlay_Disturbed_LosesNothing()
    {
        var podman = images.Require();
        await using var kubelet = await SmallKubelet.StartAsync(podman, await Kubectl.RenderAsync("k8s/overlays/kind"));
        await kubelet.ApplyAsync("emu3-worker", "emu3-gateway", "emu3-control", "emu3-postgres"); // what others need comes last
        await kubelet.ReadyAsync();

        using var client = new JobClient([kubelet.AddressOf("emu3-gateway", "http")], AdminKey(kubelet.Objects));
        var undisturbed = await s_work.RunUndisturbedAsync(client, Cancellation);
        using var folder = new TemporaryFolder();
        await BatchAsync(kubelet, folder.PathTo("calm"), "calm");

        var mayEnd = new TaskCompletionSource();
        using var progress = new Progress();
        using var stream = new JobStream(client, s_work, ItemsInJob, progress.Add);
        var running = stream.RunAsync(ItemsInJob, mayEnd.Task, Cancellation);
        await progress.ByAsync(2, running, kubelet);
        foreach (var end in await kubelet.RollAsync("emu3-worker")) AssertOrderly(end);
        await progress.ByAsync(4, running, kubelet);

        await kubelet.Of("emu3-control")[0].KillProcessAsync();
        await kubelet.ReadyAsync();
        await progress.ByAsync(4, running, kubelet);

        var lost = kubelet.Of("emu3-control")[^1];
        await lost.LoseAsync();
        await kubelet.ReplaceAsync(lost);
        await kubelet.ReadyAsync();
        await progress.ByAsync(4, running, kubelet);

        var batch = BatchAsync(kubelet, folder.PathTo("disturbed"), "disturbed");
        foreach (var end in await kubelet.RollAsync("emu3-gateway")) AssertOrderly(end);
        await progress.ByAsync(4, running, kubelet);

        foreach (var end in await kubelet.RollAsync("emu3-postgres")) AssertOrderly(end);
        await kubelet.ReadyAsync();
        await progress.ByAsync(4, running, kubelet);

        mayEnd.SetResult();
        await running;
        await batch;
        var verdict = await JudgeAsync(kubelet, client, stream, undisturbed);
        Assert.True(verdict.Resumed > 0, $"No picture went on from the tokens of an earlier worker.{Environment.NewLine}{kubelet.Story}");
        AssertSameFiles(folder.PathTo("calm"), folder.PathTo("disturbed"));
    }

    /// <summary>
    /// The same with blobs in an object store, and no volume that pods share. Meanwhile the store refuses, takes connections and says nothing, and answers 503.
    /// </summary>
    [Fact]
    public async Task Overlay_WithAnObjectStoreThatFails_LosesNothing()
    {
        var podman = images.Require();
        using var folder = new TemporaryFolder();
        var (store, refusal) = await CephServer.TryStartAsync(folder.PathTo("ceph"));
        Assert.SkipWhen(store is null, refusal ?? "");
        await using var ceph = store!;
        await ceph.MakeBucketAsync("emu3");
        using var relay = new FaultyRelay(ceph.Port);
        await using var kubelet = await SmallKubelet.StartAsync(podman, await Kubectl.RenderAsync("Tests/Deployment/Kubelet/object-store"));
        await using var way = new ServiceRelay(new(IPAddress.Parse(PodNetwork.HostAddress), StorePort), () => [new(IPAddress.Loopback, relay.Port)]);
        await kubelet.ApplyAsync();
        await kubelet.ReadyAsync();

        using var client = new JobClient([kubelet.AddressOf("emu3-gateway", "http")], AdminKey(kubelet.Objects));
        var undisturbed = await s_work.RunUndisturbedAsync(client, Cancellation);
        var mayEnd = new TaskCompletionSource();
        using var progress = new Progress();
        using var stream = new JobStream(client, s_work, ItemsInJob, progress.Add);
        var running = stream.RunAsync(ItemsInJob, mayEnd.Task, Cancellation);
        foreach (var fault in (RelayWay[])[RelayWay.Refuses, RelayWay.Silent, RelayWay.Busy])
        {
            await progress.ByAsync(4, running, kubelet);
            kubelet.Tell("object store", $"{fault}");
            relay.Become(fault);
            await Task.Delay(s_fault, TimeProvider.System, Cancellation);
            relay.Become(RelayWay.Through);
            kubelet.Tell("object store", "answers again");
        }

        await progress.ByAsync(4, running, kubelet);
        foreach (var end in await kubelet.RollAsync("emu3-worker")) AssertOrderly(end);
        mayEnd.SetResult();
        await running;
        await JudgeAsync(kubelet, client, stream, undisturbed);
        Assert.All(kubelet.Pods, pod => Assert.Equal(0, pod.RestartCount));
    }

    /// <summary>Fails unless every item of every job ended once, done, with the tokens and the file of an undisturbed run.</summary>
    private static async Task<Verdict> JudgeAsync(SmallKubelet kubelet, JobClient client, JobStream stream, IReadOnlyList<SeenOutcome> undisturbed)
    {
        var verdict = new Verdict();
        foreach (var job in stream.Jobs) verdict += await new Audit(client, s_work, undisturbed).JudgeAsync(job, Cancellation);
        kubelet.Tell("jobs", $"{stream.EndedCount} pictures in {stream.Jobs.Count} jobs, {verdict.Resumed} resumed inside; the client was interrupted {client.InterruptionCount} times: {verdict}");
        Assert.True(verdict.IsClean && verdict.Right == stream.EndedCount, $"{await kubelet.TellAllAsync()}{Environment.NewLine}{verdict}");
        return verdict;
    }

    /// <summary>The command line's own client, in a pod beside the others: it knows the Service by its name.</summary>
    private static async Task BatchAsync(SmallKubelet kubelet, string folder, string name)
    {
        Directory.CreateDirectory(folder);
        await SystemCommand.DoAsync("chmod", "0777", folder);
        var container = new V1Container
        {
            Name = "batch",
            Image = Images.Tiny,
            Args = ["batch", "/examples/shapes.jsonl", "--out", "/out", "--seed", "7", "--server", "http://emu3-gateway"],
            Env = [new() { Name = "EMU3_API_KEY", Value = AdminKey(kubelet.Objects) }],
            SecurityContext = new() { ReadOnlyRootFilesystem = true, AllowPrivilegeEscalation = false, Capabilities = new() { Drop = ["ALL"] } },
            VolumeMounts = [new() { Name = "tmp", MountPath = "/tmp" }],
        };
        var pod = new V1PodSpec
        {
            Containers = [container],
            Volumes = [new() { Name = "tmp", EmptyDir = new() }],
            SecurityContext = new() { RunAsUser = 1654, RunAsGroup = 1654, FsGroup = 1654 },
        };
        var end = await kubelet.RunAsync($"batch-{name}", pod, [$"--volume={folder}:/out"], Cancellation);
        Assert.True(end.ExitCode == 0, $"emu3 batch ended with {end.ExitCode}: {end.Output}{end.Error}{Environment.NewLine}{await kubelet.TellAllAsync()}");
    }

    private static string AdminKey(ClusterObjects objects) =>
        Encoding.UTF8.GetString(objects.All<V1Secret>().Single(secret => secret.Metadata.Name.StartsWith("emu3-admin", StringComparison.Ordinal)).Data["key"]);

    /// <summary>It ended by itself, with time left.</summary>
    private static void AssertOrderly(PodEnd end)
    {
        Assert.Equal(0, end.ExitCode);
        Assert.True(end.Took < end.Grace, string.Create(CultureInfo.InvariantCulture, $"It took {end.Took.TotalSeconds} of {end.Grace.TotalSeconds} s."));
    }

    private static void AssertSameFiles(string expected, string actual)
    {
        var pictures = Directory.EnumerateFiles(expected, "*.png").ToList();
        Assert.NotEmpty(pictures);
        Assert.All(pictures, picture => Assert.Equal(File.ReadAllBytes(picture), File.ReadAllBytes(Path.Combine(actual, Path.GetFileName(picture)))));
    }

    /// <summary>Counts items that ended, for who waits for more of them.</summary>
    private sealed class Progress : IDisposable
    {
        private readonly SemaphoreSlim _ended = new(0);

        public void Add() => _ended.Release();

        public void Dispose() => _ended.Dispose();

        /// <summary>Waits until so many more have ended than now.</summary>
        public async Task ByAsync(int count, Task running, SmallKubelet kubelet)
        {
            while (await _ended.WaitAsync(TimeSpan.Zero)) { }
            for (var seen = 0; seen < count; seen++)
            {
                var next = _ended.WaitAsync(SmallKubelet.Patience, Cancellation);
                if (await Task.WhenAny(next, running) == running) await running; // throws what ended the client
                if (!await next) Assert.Fail($"For {SmallKubelet.Patience.TotalMinutes} minutes no item has ended.{Environment.NewLine}{await kubelet.TellAllAsync()}");
            }

            kubelet.Tell("jobs", $"{count} more items have ended");
        }
    }
}
