using System.Diagnostics.Metrics;
using Emu3.Grains.Workers;
using Emu3.Storage.Blobs;
using Emu3.Tests.Cluster;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Emu3.Tests.Unit.Grains.Workers;

[Trait("Suite", "Fast")]
public sealed class ResumePointWriterTests : IDisposable
{
    private static readonly WorkerOptions s_options = new() { CheckpointPeriod = TimeSpan.FromSeconds(1), CheckpointTokens = 100 };

    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new();

    public void Dispose()
    {
        _services.Dispose();
        _folder.Dispose();
    }

    /// <summary>Items are leased ahead: one that waited for its turn has nothing to lose when it begins.</summary>
    [Fact]
    public async Task Checkpoint_OfAnItemThatWaited_IsDueAPeriodAfterItsFirstTokens()
    {
        using var run = NewRun();
        var writer = NewWriter(run);
        Assert.Null(await writer.ReadAsync());
        _time.Advance(TimeSpan.FromMinutes(1));
        run.Append([1, 2], null);
        Assert.Null(await SavedAsync(writer, run));

        _time.Advance(s_options.CheckpointPeriod * 0.9);
        run.Append([3], null);
        Assert.Null(await SavedAsync(writer, run));

        _time.Advance(s_options.CheckpointPeriod * 0.1);
        Assert.Equal([1, 2, 3], (await SavedAsync(writer, run))!.Tokens);

        run.Append([4], null);
        Assert.Equal([1, 2, 3], (await SavedAsync(writer, run))!.Tokens);
    }

    [Fact]
    public async Task Checkpoint_OfManyTokens_IsDueAtOnce()
    {
        using var run = NewRun();
        run.Append([.. Enumerable.Range(0, s_options.CheckpointTokens)], null);

        Assert.Equal(s_options.CheckpointTokens, (await SavedAsync(NewWriter(run), run))!.Tokens.Count);
    }

    /// <summary>Offers, lets what that began end, and reads as another lease would.</summary>
    private async Task<ResumePoint?> SavedAsync(ResumePointWriter writer, ItemRun run)
    {
        await writer.OfferAsync();
        return await NewWriter(run).ReadAsync();
    }

    private ResumePointWriter NewWriter(ItemRun run) => new(
        run, "class", new FolderBlobStore(_folder.FullPath), s_options, new WorkerMetrics(_services.GetRequiredService<IMeterFactory>(), "fake"), _time, NullLogger.Instance);

    private static ItemRun NewRun() => TestJobs.Run(new() { Item = 0, Epoch = 1, Spec = TestJobs.Image(0, 2, 2) });
}
