using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;

namespace Emu3.Tests.Unit.Grains.Jobs;

[Trait("Suite", "Fast")]
public sealed class LastSentOfferTests
{
    private readonly LastSentOffer _told = new();

    [Fact]
    public void IsNews_OfNothingAtFirst_OrOfTheSame_IsFalse()
    {
        Assert.False(_told.IsNews(Offer(0)));
        Assert.True(_told.IsNews(Offer(3)));
        _told.Tell(Offer(3));
        Assert.False(_told.IsNews(Offer(3)));
        Assert.True(_told.IsNews(Offer(2)));
        Assert.True(_told.IsNews(Offer(3, JobPriority.High)));
        Assert.True(_told.IsNews(Offer(0)));
    }

    [Fact]
    public void IsNews_OfTheSameNumber_WhenOneWasTakenAndOneCameBack_IsTrue()
    {
        _told.Tell(Offer(1));
        _told.Lose();
        Assert.True(_told.IsNews(Offer(1)));
        Assert.True(_told.IsNews(Offer(0)));
    }

    [Fact]
    public void IsNews_OfWhatAWorkerLeft_WhenItCameWhileTheTellingWasOnItsWay_IsTrue()
    {
        _told.Tell(Offer(2));
        _told.Lose(); // before the dispatcher has answered
        Assert.True(_told.IsNews(Offer(2)));
    }

    [Fact]
    public void IsNews_ToADispatcherThatBeganAnew_IsWhatThereIs()
    {
        _told.Tell(Offer(2));
        _told.Forget();
        Assert.True(_told.IsNews(Offer(2)));
        Assert.False(_told.IsNews(Offer(0)));
    }

    private static ShardOffer Offer(int pendingCount, JobPriority priority = JobPriority.Normal) => new()
    {
        Job = JobId.FromIdempotencyKey("t", "k"),
        Shard = 0,
        Tenant = "t",
        WeightsHash = "w",
        Priority = priority,
        CreatedAt = DateTimeOffset.UnixEpoch,
        PendingCount = pendingCount,
    };
}
