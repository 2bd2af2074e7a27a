using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace Emu3.Tests.Unit.Grains.Jobs;

/// <summary>Rows as earlier versions stored them, byte for byte: what a cluster finds after it was brought up to date.</summary>
[Trait("Suite", "Fast")]
public sealed class StoredRowTests
{
    private static readonly Serializer s_serializer = new ServiceCollection().AddSerializer(serializer => serializer
        .AddAssembly(typeof(ShardRow).Assembly).AddAssembly(typeof(JobId).Assembly)).BuildServiceProvider().GetRequiredService<Serializer>();

    /// <summary>Five items: 2 done, 0 failed, 1 done, in this order; 3 runs, 4 waits.</summary>
    private const string ShardOfVersion1 =
        "IAAFAQMBAUELAwICAQAhAAsBBQAFAAUABQAB4EELAAAAAAAhAAsBAQABAAEAAwAB4CEAA0EjMTI3LjAuMC4xOjFAMS9jcHXgQQcCAAFBgQMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD" +
        "AwMDAwMDAwMDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABBgQQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB" +
        "AQEBAQEhAAUBWh8AQh/gIQAFAR0AHeAhAAUBCQAJ4CEABQFaAgBaAuAhAAUBDQAB4EEFAwMhAAUBAQAB4CEAA0ELY2xhc3PgQQMCIQADQRF0b28gbG9uZ+Dg";

    /// <summary>The same after its job was cancelled: 3 and 4 are cancelled.</summary>
    private const string CancelledShardOfVersion1 =
        "IAAFAQMBA0ELAwICBAQhAAsBBQAFAAUABQAB4EELAAAAAAAhAAsBAQABAAEAAQAB4CHgQQsCAAEDBEGBAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMAAAAAAAAAAAAA" +
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAEGBBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBASEABQFaHwBCH+AhAAUB" +
        "HQAd4CEABQEJAAngIQAFAVoCAFoC4CEABQENAAHgQQUDAyEABQEBAAHgIQADQQtjbGFzc+BBAwIhAANBEXRvbyBsb25n4OA=";

    /// <summary>A queued job of five items with priority low.</summary>
    private const string JobOfVersion1 =
        "IOgABSHoQAN0QQNtQQNoCQMNAQMhgACAtff1f58IgQAAAAAAAAAA4DEB2zatc3VTeXN0ZW0uQ29sbGVjdGlvbnMuR2VuZXJpYy5EaWN0aW9uYXJ5YDJbW3N0cmluZ10sW3N0cmlu" +
        "Z11d4AEBwQHgCQMFIYAAgLX39X+fCIEAAAAAAAAAAOABFUEJaGFzaMEBwQEh6AABAQEBAQEBAQHgAQEBAeA=";

    [Fact]
    public void Shard_OfVersion1_IsRead_AndGoesOn()
    {
        var row = Read<ShardRow>(ShardOfVersion1);
        var state = row.ToState([]);

        Assert.Equal(1, row.SchemaVersion);
        Assert.Equal([ItemStatus.Failed, ItemStatus.Done, ItemStatus.Done, ItemStatus.Running, ItemStatus.Pending], state.Items.Select(item => item.Status));
        Assert.Equal([(2, ItemStatus.Done), (0, ItemStatus.Failed), (1, ItemStatus.Done)], state.Outcomes.Select(outcome => (outcome.Item, outcome.Status)));
        Assert.Equal((1003L, "class", ""), (state.Outcomes[0].Result!.FileBytes, state.Outcomes[0].Result!.NumericClass, state.Outcomes[0].Result!.MadeBy));
        Assert.Equal(DesiredState.None, state.DesiredState);

        // Its failed item is begun anew, and what it then is is stored as version 2.
        var next = ShardTransitions.Apply(state, DesiredState.First(JobPriority.Low) with { Attempt = 2 });
        next = ShardTransitions.Acquire(next, new WorkerId("127.0.0.1:2@1/cpu"), 1).State;
        next = ShardTransitions.Complete(next, new WorkerId("127.0.0.1:2@1/cpu"), 0, 2, state.Outcomes[0].Result!).State;
        var again = Read<ShardRow>(Convert.ToBase64String(s_serializer.SerializeToArray(ShardRow.From(next, 0))));

        Assert.Equal(2, again.SchemaVersion);
        Assert.Equal(
            [(2, ItemStatus.Done), (0, ItemStatus.Failed), (1, ItemStatus.Done), (0, ItemStatus.Done)],
            again.ToState([]).Outcomes.Select(outcome => (outcome.Item, outcome.Status)));
    }

    [Fact]
    public void CancelledShard_OfVersion1_StaysCancelled()
    {
        var state = Read<ShardRow>(CancelledShardOfVersion1).ToState([]);

        Assert.True(state.DesiredState.IsCancelled);
        Assert.Equal(new ItemCounts(0, 0, 2, 1, 2), state.Counts);
        Assert.Equal([ItemStatus.Cancelled, ItemStatus.Cancelled], state.Outcomes[3..].Select(outcome => outcome.Status));
    }

    [Fact]
    public void Job_OfVersion1_HasTheOrdersThatItWouldHaveGiven()
    {
        var state = Read<JobState>(JobOfVersion1);

        Assert.Equal((JobStatus.Queued, 5), (state.Status, state.Total));
        Assert.Equal(DesiredState.First(JobPriority.Low), state.DesiredState);
        Assert.True((state with { Status = JobStatus.Cancelling }).DesiredState.IsCancelled);
    }

    private static TRow Read<TRow>(string base64) => s_serializer.Deserialize<TRow>(Convert.FromBase64String(base64))!;
}
