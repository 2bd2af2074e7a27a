using Emu3.Grains.Interfaces;

namespace Emu3.Gateway.Diagnosis;

/// <summary>Says where each item is that has not ended, and why: of the job first, then of the workers it needs, then of its items, many of a kind together.</summary>
internal static class JobDiagnosis
{
    /// <summary>Everything that is to be said.</summary>
    public static IReadOnlyList<JobFinding> Of(JobView view) =>
        view.Job.IsTerminal ? [OfEnd(view.Job)] : [.. OfJob(view.Job), .. OfShards(view), .. OfWorkers(view), .. OfPending(view), .. RunningItems.Findings(view)];

    /// <summary>Nothing could be seen of the job itself.</summary>
    public static JobFinding OfSilentJob(string? silence) => JobFinding.OfJob("job_silent",
        $"The job does not answer{(silence is null ? "" : $": {silence.TrimEnd('.')}")}. Its silo is gone or starts, no control silo is up, or the store does not answer.");

    /// <summary>Workers that may be given the job's items: they have its weights and are not quarantined.</summary>
    public static IReadOnlyList<WorkerInfo> Usable(JobView view) =>
        view.Cluster is { } cluster ? [.. cluster.Ready.Where(worker => IsOfJob(view.Job, worker) && worker.Quarantine is null)] : [];

    private static JobFinding OfEnd(JobSnapshot job) => JobFinding.OfJob("ended", job.Counts.Failed == 0 || job.Status != JobStatus.Completed
        ? $"The job is {Word(job.Status)}: nothing of it waits."
        : $"The job is completed, and {Count(job.Counts.Failed, "item")} failed: retry_failed begins them anew.");

    private static IEnumerable<JobFinding> OfJob(JobSnapshot job)
    {
        if (job.Status == JobStatus.Open) yield return JobFinding.OfJob("open", "The job is not accepted yet: its submitter has not sent all items. Without them it is aborted after an hour.");
        if (job.Status == JobStatus.Cancelling) yield return JobFinding.OfJob("cancelling", "The job is being cancelled: it ends when all its shards have answered.");
        if (job.Status == JobStatus.Paused)
        {
            yield return JobFinding.OfJob("paused", job.PauseReason == PauseReason.TooManyFailures
                ? $"The job is paused because {Count(job.Counts.Failed, "item")} failed, and max_failures is {job.Spec.MaxFailures}: resume goes on with the rest, retry_failed begins the failed ones anew."
                : "The job is paused because someone asked for it: resume ends that.");
        }
    }

    private static IEnumerable<JobFinding> OfShards(JobView view) => view.Shards.Where(shard => shard.Silence is not null).GroupBy(shard => shard.Silence)
        .Select(silent => JobFinding.OfJob("shard_silent",
            $"{Count(silent.Count(), "shard")} of the job ({string.Join(", ", silent.Take(8).Select(shard => shard.Number))}{(silent.Count() > 8 ? ", …" : "")}) "
            + $"did not answer: {silent.Key!.TrimEnd('.')}. Their silo is gone or starts, or the store does not answer; they are asked again every 30 s."));

    private static IEnumerable<JobFinding> OfWorkers(JobView view)
    {
        var (job, cluster) = (view.Job, view.Cluster);
        if (cluster is null)
        {
            yield return JobFinding.OfJob("dispatcher_silent", $"The dispatcher did not answer: {view.ClusterSilence?.TrimEnd('.')}. It starts again on another silo when its own is gone.");
            yield break;
        }

        if (job.Counts.Pending == 0 || job.Status is not (JobStatus.Queued or JobStatus.Running)) yield break;
        var ofJob = cluster.Ready.Where(worker => IsOfJob(job, worker)).ToList();
        if (ofJob.Any(worker => worker.Quarantine is null)) yield break;
        if (ofJob.Count > 0)
        {
            yield return JobFinding.OfJob("quarantined",
                $"{(ofJob.Count == 1 ? "The only worker" : $"All {ofJob.Count} workers")} of {job.Spec.Model} {(ofJob.Count == 1 ? "is" : "are")} quarantined: "
                + $"{string.Join("; ", ofJob.Select(worker => $"{worker.Device} ({worker.Quarantine})"))}. Releasing a device gives it work again.");
        }

        if (cluster.Loading.Count > 0)
        {
            yield return JobFinding.OfJob("loading",
                $"{Count(cluster.Loading.Count, "worker")} {(cluster.Loading.Count == 1 ? "is" : "are")} loading: {string.Join("; ", cluster.Loading.Select(worker => $"{worker.Device} {worker.Model} ({worker.Progress})"))}.");
        }

        if (ofJob.Count == 0) yield return JobFinding.OfJob("no_worker", NoWorker(job, cluster));
    }

    private static string NoWorker(JobSnapshot job, ClusterView cluster)
    {
        var namesakes = cluster.Ready.Where(worker => worker.Model.Name == job.Spec.Model).ToList();
        var up = cluster.Ready.Select(worker => worker.Model.Name).Distinct().ToList();
        return namesakes.Count > 0
            ? $"No worker has the weights that the job was accepted for; {string.Join(", ", namesakes.Select(worker => worker.Device))} "
                + $"{(namesakes.Count == 1 ? "runs" : "run")} {job.Spec.Model} with others. Its seeds mean nothing for these: start a worker with the same checkpoint, or cancel the job."
            : $"No worker of {job.Spec.Model} is up. {(up.Count == 0 ? "None of any model is." : $"Those that are run {string.Join(", ", up)}.")}";
    }

    private static IEnumerable<JobFinding> OfPending(JobView view)
    {
        if (view.Job.Status is not (JobStatus.Queued or JobStatus.Running)) yield break;
        var pending = view.Shards.SelectMany(shard => shard.ItemViews).Where(item => item.Status == ItemStatus.Pending).ToList();
        var alone = pending.Where(item => item.RunsAlone).ToList();
        if (alone.Count > 0)
        {
            yield return JobFinding.OfItems("runs_alone",
                $"{Count(alone.Count, "item")} ({Names(alone)}) will run alone, when a worker has nothing else: several workers died while they held {(alone.Count == 1 ? "it" : "them")}.",
                [.. alone.Select(item => item.Item)]);
        }

        var plain = pending.Where(item => !item.RunsAlone).Select(item => item.Item).ToList();
        if (plain.Count > 0) yield return JobFinding.OfItems("waiting", $"{Count(plain.Count, "item")} {(plain.Count == 1 ? "waits" : "wait")} to be given out{Before(view)}.", plain);
    }

    /// <summary>What goes first. Jobs of one priority share the workers, so those that came earlier are not all done before.</summary>
    private static string Before(JobView view)
    {
        var usable = Usable(view);
        if (view.Cluster is not { } cluster || usable.Count == 0) return "";
        var before = cluster.OtherJobs.Where(other => other.Spec.WeightsHash == view.Job.Spec.WeightsHash && other.Counts.Pending > 0
            && other.Status is JobStatus.Queued or JobStatus.Running
            && (other.Priority < view.Job.Priority || (other.Priority == view.Job.Priority && other.Spec.CreatedAt < view.Job.Spec.CreatedAt))).ToList();
        var workers = $" by {Count(usable.Count, "worker")} with {usable.Sum(worker => worker.SlotCount)} slots";
        return before.Count == 0 ? workers : $"{workers}; {Count(before.Count, "job")} with {Count(before.Sum(other => other.Counts.Pending), "waiting item")} came earlier or go first";
    }

    private static bool IsOfJob(JobSnapshot job, WorkerInfo worker) => worker.Model.WeightsHash == job.Spec.WeightsHash;

    private static string Word(JobStatus status) => status.ToString().ToLowerInvariant();

    internal static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    internal static string Names(IEnumerable<ItemView> items)
    {
        var indexes = items.Select(item => item.Item).ToList();
        return string.Join(", ", indexes.Take(8)) + (indexes.Count > 8 ? ", …" : "");
    }
}
