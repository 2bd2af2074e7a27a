using Emu3.Benchmarks.Processes;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Cluster;

/// <summary>
/// A database and blobs that were backed up at different times, put back together under real processes: what docs/kubernetes.md says of it is what happens.
/// The processes are killed before each copy, as a snapshot of their disks would catch them.
/// </summary>
[Trait("Suite", "Cluster")]
[Collection(nameof(Alone))]
public sealed class RestoreTests : IDisposable
{
    private const int RecipeCount = 6, ItemCount = 24, FirstDone = 8;
    private readonly TemporaryFolder _folder = new();
    private readonly PictureJob _work = new(RecipeCount, "128x128");
    private readonly ProcessClusterPlan _plan;

    public RestoreTests() => _plan = new() { Folder = _folder.FullPath, WorkerCount = 1 };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task OlderDatabase_BesideNewerBlobs_GoesOnAsIfTheRestHadNotBeen()
    {
        IReadOnlyList<SeenOutcome> undisturbed = [];
        var (before, after) = ("", "");
        await WithClusterAsync(async client =>
        {
            undisturbed = await _work.RunUndisturbedAsync(client, Cancellation);
            before = await client.SubmitAsync("before", _work.Lines(0, ItemCount), Cancellation);
            await FollowUntilAsync(client, before, FirstDone);
        });
        CopyDatabase(from: _plan.DataFolder, to: _folder.PathTo("backup"));
        await WithClusterAsync(async client =>
        {
            await client.FollowAsync(before, _ => { }, Cancellation);
            after = await client.SubmitAsync("after", _work.Lines(0, RecipeCount), Cancellation);
            await client.FollowAsync(after, _ => { }, Cancellation);
        });
        CopyDatabase(from: _folder.PathTo("backup"), to: _plan.DataFolder);

        await WithClusterAsync(async client =>
        {
            // What was under way goes on, and comes to the same. What had ended since is drawn again.
            var ledger = new Ledger(ItemCount);
            await client.FollowAsync(before, ledger.Take, Cancellation);
            Assert.True(ledger.Judge(item => undisturbed[_work.RecipeOf(item)]).IsClean);
            for (var item = 0; item < ItemCount; item++) Assert.NotNull(await client.ReadFileAsync(before, item, Cancellation));

            // A job of later than the backup is not known. Its files lie there, and nobody removes them.
            var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetJobAsync(after, Cancellation));
            Assert.Contains("job_not_found", refused.Message, StringComparison.Ordinal);
            Assert.NotEmpty(FilesOf(after));

            // Sent again under its key it is the same job, and gives the same files.
            Assert.Equal(after, await client.SubmitAsync("after", _work.Lines(0, RecipeCount), Cancellation));
            var again = new Ledger(RecipeCount);
            await client.FollowAsync(after, again.Take, Cancellation);
            Assert.True(again.Judge(item => undisturbed[item]).IsClean);
            Assert.Equal(RecipeCount, FilesOf(after).Count);
        });
    }

    [Fact]
    public async Task NewerDatabase_BesideOlderBlobs_SaysWhichFilesAreGone_AndDrawsTheRest()
    {
        IReadOnlyList<SeenOutcome> undisturbed = [];
        var (before, after) = ("", "");
        HashSet<int> lost = [];
        await WithClusterAsync(async client =>
        {
            undisturbed = await _work.RunUndisturbedAsync(client, Cancellation);
            before = await client.SubmitAsync("before", _work.Lines(0, RecipeCount), Cancellation);
            await client.FollowAsync(before, _ => { }, Cancellation);
        });
        CopyFolder(BlobFolder(_plan.DataFolder), _folder.PathTo("backup"));
        await WithClusterAsync(async client =>
        {
            after = await client.SubmitAsync("after", _work.Lines(0, ItemCount), Cancellation);
            await FollowUntilAsync(client, after, FirstDone);
        });
        Directory.Delete(BlobFolder(_plan.DataFolder), recursive: true);
        CopyFolder(_folder.PathTo("backup"), BlobFolder(_plan.DataFolder));

        await WithClusterAsync(async client =>
        {
            for (var item = 0; item < RecipeCount; item++) Assert.NotNull(await client.ReadFileAsync(before, item, Cancellation));

            // What was under way has lost its checkpoints: it begins anew, and comes to the same.
            var ledger = new Ledger(ItemCount);
            await client.FollowAsync(after, ledger.Take, Cancellation);
            Assert.True(ledger.Judge(item => undisturbed[_work.RecipeOf(item)]).IsClean);

            // What had ended stays ended. Its files are gone, and the cluster says so.
            for (var item = 0; item < ItemCount; item++)
                if (await client.ReadFileAsync(after, item, Cancellation) is null) lost.Add(item);
            Assert.InRange(lost.Count, FirstDone, ItemCount - 1);

            // The same lines give the same files.
            var again = await client.SubmitAsync("again", _work.Lines(0, RecipeCount), Cancellation);
            var second = new Ledger(RecipeCount);
            await client.FollowAsync(again, second.Take, Cancellation);
            Assert.All(second.Outcomes, outcome => Assert.Equal(undisturbed[outcome.Key].FileHash, outcome.Value.FileHash));
        });
    }

    private async Task WithClusterAsync(Func<JobClient, Task> act)
    {
        await using var cluster = await ProcessCluster.StartAsync(_plan, Cancellation);
        using var client = new JobClient(cluster.GatewayAddresses);
        await act(client);
    }

    /// <summary>Returns when so many items have ended, in the midst of the others.</summary>
    private static async Task FollowUntilAsync(JobClient client, string job, int count)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var seen = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.FollowAsync(job, happened =>
        {
            if (happened.Type == "item" && ++seen == count) enough.Cancel();
        }, enough.Token));
        Cancellation.ThrowIfCancellationRequested();
    }

    private IReadOnlyList<string> FilesOf(string job) =>
        [.. Directory.EnumerateFiles(BlobFolder(_plan.DataFolder), "*", SearchOption.AllDirectories).Where(file => file.Contains($"/{job}/", StringComparison.Ordinal) && !file.Contains("/ckpt/", StringComparison.Ordinal))];

    private static string BlobFolder(string data) => Path.Combine(data, "blobs");

    /// <summary>The embedded store's files, with what it had not yet moved into them.</summary>
    private static void CopyDatabase(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var old in Directory.EnumerateFiles(to, "state.db*")) File.Delete(old);
        foreach (var file in Directory.EnumerateFiles(from, "state.db*")) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
