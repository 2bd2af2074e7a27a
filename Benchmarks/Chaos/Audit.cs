using System.Security.Cryptography;
using Emu3.Benchmarks.Processes;

namespace Emu3.Benchmarks.Chaos;

/// <summary>
/// Looks at everything once more when all is calm: what the follower was told against an undisturbed run, against the pages of results, against a second
/// follower that begins at the start, and against the bytes of the files.
/// </summary>
internal sealed class Audit(JobClient client, PictureJob work, IReadOnlyList<SeenOutcome> undisturbed)
{
    private const int FilesAtOnce = 8;

    /// <summary>What became of a job.</summary>
    public async Task<Verdict> JudgeAsync(FollowedJob job, CancellationToken cancellationToken)
    {
        var verdict = job.Ledger.Judge(item => undisturbed[work.RecipeOf(job.First + item)]);
        var again = new Ledger(job.Count);
        await client.FollowAsync(job.Id, again.Take, cancellationToken);
        verdict += Compare(job, again.Outcomes, "events read once more") + Verdict.Lose(again.GapCount, "gaps in events read once more") + Verdict.Repeat(again.RepeatCount, "outcomes in events read once more");

        var results = new Dictionary<int, SeenOutcome>();
        await foreach (var outcome in client.ReadResultsAsync(job.Id, cancellationToken))
            if (!results.TryAdd(outcome.Index, outcome)) verdict += Verdict.Repeat(1, $"item {outcome.Index} in the pages of results");
        verdict += Compare(job, results, "pages of results");

        var (missing, different) = (0, 0);
        await Parallel.ForEachAsync(
            job.Ledger.Outcomes.Values.Where(outcome => outcome.FileHash is not null), new ParallelOptions { MaxDegreeOfParallelism = FilesAtOnce, CancellationToken = cancellationToken },
            async (outcome, token) =>
            {
                var file = await client.ReadFileAsync(job.Id, outcome.Index, token);
                if (file is null) Interlocked.Increment(ref missing);
                else if (Convert.ToHexStringLower(SHA256.HashData(file)) != outcome.FileHash) Interlocked.Increment(ref different);
            });
        verdict += Verdict.Lose(missing, "files") + Verdict.Differ(different, "files against their hash");
        return verdict with { Findings = [.. verdict.Findings.Select(finding => $"{job.Id}: {finding}")] };
    }

    /// <summary>An item that is told differently the second time has ended twice.</summary>
    private static Verdict Compare(FollowedJob job, IReadOnlyDictionary<int, SeenOutcome> second, string where)
    {
        var verdict = default(Verdict);
        foreach (var (item, outcome) in job.Ledger.Outcomes)
        {
            if (!second.TryGetValue(item, out var other)) verdict += Verdict.Lose(1, $"item {item} in the {where}");
            else if (other != outcome) verdict += Verdict.Repeat(1, $"{outcome}, then {other} in the {where}");
        }

        return verdict;
    }
}
