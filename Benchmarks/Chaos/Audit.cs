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
        verdict += Compare(job.Ledger.Outcomes, again.Outcomes) with { Lost = again.GapCount + Missing(job, again.Outcomes), Twice = again.RepeatCount };

        var results = new Dictionary<int, SeenOutcome>();
        await foreach (var outcome in client.ReadResultsAsync(job.Id, cancellationToken))
            if (!results.TryAdd(outcome.Index, outcome)) verdict += new Verdict { Twice = 1 };
        verdict += Compare(job.Ledger.Outcomes, results) with { Lost = Missing(job, results) };

        var (missing, different) = (0, 0);
        await Parallel.ForEachAsync(
            job.Ledger.Outcomes.Values.Where(outcome => outcome.FileHash is not null), new ParallelOptions { MaxDegreeOfParallelism = FilesAtOnce, CancellationToken = cancellationToken },
            async (outcome, token) =>
            {
                var file = await client.ReadFileAsync(job.Id, outcome.Index, token);
                if (file is null) Interlocked.Increment(ref missing);
                else if (Convert.ToHexStringLower(SHA256.HashData(file)) != outcome.FileHash) Interlocked.Increment(ref different);
            });
        return verdict + new Verdict { Lost = missing, Different = different };
    }

    /// <summary>An item that is told differently the second time has ended twice.</summary>
    private static Verdict Compare(IReadOnlyDictionary<int, SeenOutcome> first, IReadOnlyDictionary<int, SeenOutcome> second) =>
        new() { Twice = first.Count(outcome => second.TryGetValue(outcome.Key, out var other) && other != outcome.Value) };

    private static int Missing(FollowedJob job, IReadOnlyDictionary<int, SeenOutcome> outcomes) => job.Ledger.Outcomes.Keys.Count(item => !outcomes.ContainsKey(item));
}
