using CsCheck;
using Emu3.Grains.Dispatch;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Grains.Dispatch;

[Trait("Suite", "Fast")]
public sealed class DispatchPlanTests
{
    [Fact]
    public void Next_OfOneTenant_GoesByPriorityThenAgeThenPlaceInTheJob()
    {
        var plan = new DispatchPlan(_ => 1);
        plan.Offer(Offer("b", 0, 4, created: 2));
        plan.Offer(Offer("a", 1, 4, created: 1));
        plan.Offer(Offer("a", 0, 4, created: 1));
        plan.Offer(Offer("c", 0, 4, created: 3, priority: JobPriority.High));

        var hints = plan.Next("w", 10, 10);

        Assert.Equal([("c", 0, 4), ("a", 0, 4), ("a", 1, 2)], hints.Select(hint => (hint.Job.Value, hint.Shard, hint.ItemCount)));
    }

    [Fact]
    public void Next_ForOtherWeights_GivesNothing() =>
        Assert.Empty(Filled(Offer("a", 0, 4)).Next("other", 10, 10));

    [Fact]
    public void Interactive_GoesFirst_AndMayTakePlacesThatBatchMayNot()
    {
        var plan = Filled(Offer("batch", 0, 100), Offer("now", 0, 1, priority: JobPriority.Interactive));

        var hints = plan.Next("w", 2, 0);

        Assert.Equal([("now", 1)], hints.Select(hint => (hint.Job.Value, hint.ItemCount)));
    }

    [Fact]
    public void EveryEighthGrant_GoesToBatch_HoweverManyWaitInteractively()
    {
        var plan = Filled(Offer("batch", 0, 100));
        for (var number = 0; number < 64; number++) plan.Offer(Offer($"now{number}", 0, 1, priority: JobPriority.Interactive));

        var first = Enumerable.Range(0, 16).Select(_ => Assert.Single(plan.Next("w", 1, 1)).Job.Value).ToList();

        Assert.Equal(2, first.Count(job => job == "batch"));
    }

    [Fact]
    public void Tenants_ShareByWeight()
    {
        var plan = new DispatchPlan(tenant => tenant == "big" ? 3 : 1);
        plan.Offer(Offer("a", 0, 10_000, tenant: "big"));
        plan.Offer(Offer("b", 0, 10_000, tenant: "small"));

        var served = Enumerable.Range(0, 400).SelectMany(_ => plan.Next("w", 4, 4)).ToLookup(hint => hint.Job.Value, hint => hint.ItemCount);

        Assert.InRange(served["a"].Sum() / (double)served["b"].Sum(), 2.9, 3.1);
    }

    [Fact]
    public void Tenant_ThatComesLate_IsNotPaidForItsIdleTime()
    {
        var plan = Filled(Offer("a", 0, 10_000, tenant: "first"));
        for (var i = 0; i < 100; i++) plan.Next("w", 8, 8);
        plan.Offer(Offer("b", 0, 10_000, tenant: "second"));

        var served = Enumerable.Range(0, 100).SelectMany(_ => plan.Next("w", 8, 8)).ToLookup(hint => hint.Job.Value, hint => hint.ItemCount);

        Assert.InRange(served["b"].Sum(), 392, 408);
    }

    /// <summary>The books balance: no more is hinted than was offered, all of it is, and nobody is left out.</summary>
    [Fact]
    public void AnyOffers_AreHintedExactlyOnce()
    {
        Gen.Select(Gen.Int[0, 5], Gen.Int[0, 3], Gen.Int[0, 3], Gen.Int[1, 40]).Array[1, 30].Sample(offers =>
        {
            var plan = new DispatchPlan(tenant => tenant == "t0" ? 2 : 1);
            var expected = new Dictionary<(string, int), int>();
            foreach (var (job, shard, priority, count) in offers)
            {
                plan.Offer(Offer($"j{job}", shard, count, tenant: $"t{job % 3}", priority: (JobPriority)(job % 4)));
                expected[($"j{job}", shard)] = count;
            }

            Assert.Equal(expected.Values.Sum(), plan.PendingCount);
            var hinted = new Dictionary<(string, int), int>();
            while (plan.Next("w", 7, 5) is { Count: > 0 } hints)
            {
                Assert.InRange(hints.Sum(hint => hint.ItemCount), 1, 7);
                foreach (var hint in hints) hinted[(hint.Job.Value, hint.Shard)] = hinted.GetValueOrDefault((hint.Job.Value, hint.Shard)) + hint.ItemCount;
            }

            Assert.Equal(expected.OrderBy(pair => pair.Key), hinted.OrderBy(pair => pair.Key));
            Assert.Equal(0, plan.PendingCount);
        }, iter: 500);
    }

    private static DispatchPlan Filled(params ShardOffer[] offers)
    {
        var plan = new DispatchPlan(_ => 1);
        foreach (var offer in offers) plan.Offer(offer);
        return plan;
    }

    private static ShardOffer Offer(
        string job, int shard, int pending, string tenant = "t", JobPriority priority = JobPriority.Normal, int created = 0) => new()
        {
            Job = new JobId(job),
            Shard = shard,
            Tenant = tenant,
            WeightsHash = "w",
            Priority = priority,
            CreatedAt = DateTimeOffset.UnixEpoch.AddSeconds(created),
            PendingCount = pending,
        };
}
