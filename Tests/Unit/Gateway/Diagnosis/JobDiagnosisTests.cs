using Emu3.Gateway.Diagnosis;
using Emu3.Grains.Interfaces;
using Emu3.Tests.Unit.Grains.Interfaces.Requests;

namespace Emu3.Tests.Unit.Gateway.Diagnosis;

[Trait("Suite", "Fast")]
public sealed class JobDiagnosisTests
{
    private static readonly WorkerId s_worker = new("127.0.0.1:1111@7/cuda:0");

    [Fact]
    public void Waiting_WithNoWorker_SaysSo_AndWhatElseIsUp()
    {
        var findings = Of(View(pending: 300));
        Assert.Equal(["no_worker", "waiting"], findings.Select(finding => finding.Code));
        Assert.Equal("No worker of fake is up. None of any model is.", findings[0].Message);
        Assert.Equal(("300 items wait to be given out.", 300, 20), (findings[1].Message, findings[1].ItemCount, findings[1].Items.Count));

        var other = View(pending: 1, ready: [Worker("node/cuda:0", hash: "other", name: "another")]);
        Assert.Equal("No worker of fake is up. Those that are run another.", Of(other)[0].Message);
    }

    [Fact]
    public void Waiting_ForOtherWeights_SaysThatTheSeedsMeanNothingThere() => Assert.Contains(
        "node/cuda:0 runs fake with others. Its seeds mean nothing", Of(View(pending: 1, ready: [Worker("node/cuda:0", hash: "other")]))[0].Message);

    [Fact]
    public void Waiting_WhileWorkersLoadOrAreQuarantined_NamesThem()
    {
        var findings = Of(View(
            pending: 1, ready: [Worker("node/cuda:0", quarantine: "died with 3 items")], loading: [new(s_worker, "node/cuda:1", "Emu3-Gen", "loading weights")]));
        Assert.Equal(["quarantined", "loading", "waiting"], findings.Select(finding => finding.Code));
        Assert.Equal("The only worker of fake is quarantined: node/cuda:0 (died with 3 items). Releasing a device gives it work again.", findings[0].Message);
        Assert.Equal("1 worker is loading: node/cuda:1 Emu3-Gen (loading weights).", findings[1].Message);
    }

    [Fact]
    public void Waiting_BehindOthers_CountsThoseThatGoFirst()
    {
        var view = View(pending: 5, ready: [Worker("node/cuda:0")]);
        JobSnapshot Other(int pending, JobPriority priority, int age, string hash = "w") =>
            Job(pending, 0, JobStatus.Running, priority, view.Job.Spec.CreatedAt.AddSeconds(-age), hash);
        view = view with
        {
            Cluster = view.Cluster! with
            {
                OtherJobs =
                [
                    Other(7, JobPriority.High, -10), Other(100, JobPriority.Normal, 10), Other(50, JobPriority.Normal, -10), Other(9, JobPriority.Low, 10),
                    Other(9, JobPriority.High, 10, "other weights"), Other(0, JobPriority.High, 10),
                ],
            },
        };
        Assert.Equal("5 items wait to be given out by 1 worker with 8 slots; 2 jobs with 107 waiting items came earlier or go first.", Assert.Single(Of(view)).Message);
    }

    [Fact]
    public void Running_FewItems_AreToldOneByOne()
    {
        var view = View(ready: [Worker("node/cuda:0")], itemViews:
        [
            Running(3, tokens: 40, heardAgo: 0.4), Running(4, tokens: 12, heardAgo: 13, epoch: 2, suspicion: 4), Running(5, tokens: 0, heardAgo: 0.1, runsAlone: true, worker: new("127.0.0.1:9@9/cpu")),
        ]) with
        { Specs = new Dictionary<int, ItemSpec> { [3] = Emu3.Tests.Cluster.TestJobs.Image(3, 8, 8) } };
        Assert.Equal(
        [
            "Item 3 is at node/cuda:0 (worker 127.0.0.1:1111@7/cuda:0) with 40 of 75 tokens.",
            "Item 4 is at node/cuda:0 (worker 127.0.0.1:1111@7/cuda:0) with 12 tokens, lease 2; a worker died with it before; "
                + "its worker has not been heard of for 13 s: frozen, cut off or dead. After 20 s another gets it.",
            "Item 5 is at worker 127.0.0.1:9@9/cpu, which is not among those that are up with 0 tokens; alone there, since several workers died with it.",
        ], Of(view).Select(finding => finding.Message));
        Assert.Equal(["running", "worker_silent", "running"], Of(view).Select(finding => finding.Code));
    }

    [Fact]
    public void Running_ManyItems_AreToldTogether_SilentOnesFirst()
    {
        var view = View(ready: [Worker("node/cuda:0")], itemViews: [.. Enumerable.Range(0, 40).Select(item => Running(item, tokens: item * 10, heardAgo: item < 30 ? 0.5 : 12))]);
        var findings = Of(view);
        Assert.Equal(["worker_silent", "running"], findings.Select(finding => finding.Code));
        Assert.StartsWith("10 items (30, 31, 32, 33, 34, 35, 36, 37, …) are at node/cuda:0 (worker 127.0.0.1:1111@7/cuda:0) with 300 to 390 tokens; its worker has not been heard of for 12 s", findings[0].Message, StringComparison.Ordinal);
        Assert.Equal(30, findings[1].ItemCount);
    }

    [Fact]
    public void Suspects_ThatWait_RunAlone()
    {
        var findings = Of(View(ready: [Worker("node/cuda:0")], itemViews: [Pending(7, runsAlone: true), Pending(8)]));
        Assert.Equal(["runs_alone", "waiting"], findings.Select(finding => finding.Code));
        Assert.Equal("1 item (7) will run alone, when a worker has nothing else: several workers died while they held it.", findings[0].Message);
    }

    [Fact]
    public void Job_Paused_SaysWhy_AndNothingOfWorkers()
    {
        var paused = View(pending: 5) with { Job = Job(5, 3, JobStatus.Paused) with { PauseReason = PauseReason.TooManyFailures } };
        Assert.Equal("The job is paused because 3 items failed, and max_failures is 2: resume goes on with the rest, retry_failed begins the failed ones anew.", Assert.Single(Of(paused)).Message);
        Assert.Contains("someone asked for it", Assert.Single(Of(paused with { Job = paused.Job with { PauseReason = PauseReason.Requested } })).Message);
    }

    [Fact]
    public void Parts_ThatDoNotAnswer_AreNamed()
    {
        var view = View(pending: 5) with { Cluster = null, ClusterSilence = "nothing came for 3 s" };
        view = view with { Shards = [.. view.Shards, new(1, [], "The state could not be stored: disk full"), new(2, [], "The state could not be stored: disk full")] };
        var findings = Of(view);
        Assert.Equal(["shard_silent", "dispatcher_silent", "waiting"], findings.Select(finding => finding.Code));
        Assert.StartsWith("2 shards of the job (1, 2) did not answer: The state could not be stored: disk full.", findings[0].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(JobStatus.Completed, 0, "The job is completed: nothing of it waits.")]
    [InlineData(JobStatus.Completed, 2, "The job is completed, and 2 items failed: retry_failed begins them anew.")]
    [InlineData(JobStatus.Cancelled, 2, "The job is cancelled: nothing of it waits.")]
    public void Job_ThatHasEnded_SaysSo(JobStatus status, int failed, string message) =>
        Assert.Equal(message, Assert.Single(Of(new() { Job = Job(0, failed, status) })).Message);

    private static IReadOnlyList<JobFinding> Of(JobView view) => JobDiagnosis.Of(view);

    private static JobView View(
        int pending = 0, IReadOnlyList<WorkerInfo>? ready = null, IReadOnlyList<LoadingWorker>? loading = null, IReadOnlyList<ItemView>? itemViews = null)
    {
        itemViews ??= [.. Enumerable.Range(0, pending).Select(item => Pending(item))];
        return new()
        {
            Job = Job(itemViews.Count(item => item.Status == ItemStatus.Pending), 0, JobStatus.Running),
            Shards = [new(0, itemViews, null)],
            Cluster = new() { Ready = ready ?? [], Loading = loading ?? [], Quarantined = new Dictionary<string, string>(), OtherJobs = [] },
        };
    }

    private static JobSnapshot Job(
        int pending, int failed, JobStatus status, JobPriority priority = JobPriority.Normal, DateTimeOffset? createdAt = null, string hash = "w") => new()
        {
            Id = JobId.Draw(),
            Spec = new() { Tenant = "default", Model = "fake", WeightsHash = hash, Priority = priority, Seed = 1, CreatedAt = createdAt ?? DateTimeOffset.UnixEpoch, MaxFailures = 2 },
            Status = status,
            Counts = new(pending, 0, 0, failed, 0),
            Priority = priority,
        };

    private static ItemView Pending(int item, bool runsAlone = false) =>
        new() { Item = item, Status = ItemStatus.Pending, Epoch = 0, Suspicion = runsAlone ? 8 : 0, RunsAlone = runsAlone };

    private static ItemView Running(int item, int tokens, double heardAgo, int epoch = 1, int suspicion = 0, bool runsAlone = false, WorkerId? worker = null) => new()
    {
        Item = item,
        Status = ItemStatus.Running,
        Holder = worker ?? s_worker,
        Epoch = epoch,
        Suspicion = suspicion,
        RunsAlone = runsAlone,
        HeardAgo = TimeSpan.FromSeconds(heardAgo),
        TokenCount = tokens,
    };

    private static WorkerInfo Worker(string device, string hash = "w", string name = "fake", string? quarantine = null) => new()
    {
        Id = s_worker,
        Model = Cards.Released with { Name = name, WeightsHash = hash },
        SlotCount = 8,
        NumericClass = "c",
        IsRowInvariant = true,
        Device = device,
        Quarantine = quarantine,
    };
}
