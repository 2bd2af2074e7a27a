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
    public void Interactive_GoesFirst_AndMayTakePlacesThatBulkMayNot()
    {
        var plan = Filled(Offer("bulk", 0, 100), Offer("now", 0, 1, priority: JobPriority.Interactive));

        var hints = plan.Next("w", 2, 0);

        Assert.Equal([("now", 1)], hints.Select(hint => (hint.Job.Value, hint.ItemCount)));
    }

    [Fact]
    public void EveryEighthGrant_GoesToBulk_HoweverManyWaitInteractively()
    {
        var plan = Filled(Offer("bulk", 0, 100));
        for (var number = 0; number < 64; number++) plan.Offer(Offer($"now{number}", 0, 1, priority: JobPriority.Interactive));

        var first = Enumerable.Range(0, 16).Select(_ => Assert.Single(plan.Next("w", 1, 1)).Job.Value).ToList();

        Assert.Equal(2, first.Count(job => job == "bulk"));
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

    /// <summary>Whatever others keep coming, the last in line has its turn: other tenants, higher priorities, and interactive work that never ends.</summary>
    [Fact]
    public void NobodyIsKeptWaitingForEver() =>
        Gen.Select(Gen.Select(Gen.Int[0, 3], Gen.Int[0, 3], Gen.Int[1, 20]).Array[1, 12], Gen.Int[0, 3], Gen.Int[0, 3], Gen.Int[1, 20]).Sample((others, tenant, priority, free) =>
        {
            var plan = new DispatchPlan(name => 1 + (0.5 * (name[1] - '0')));
            plan.Offer(Offer("last", 0, 1, tenant: $"t{tenant}", priority: (JobPriority)priority, created: 0));
            var isServed = false;
            for (var ask = 0; !isServed; ask++)
            {
                // Work of the same priority and tenant is younger, or it would rightly go first; it never runs dry.
                for (var i = 0; i < others.Length; i++)
                    plan.Offer(Offer($"j{i}", 0, others[i].Item3, tenant: $"t{others[i].Item1}", priority: (JobPriority)others[i].Item2, created: 1 + ask));
                isServed = plan.Next("w", free, free).Any(hint => hint.Job.Value == "last");

                // Every eighth grant is one of bulk; of these a tenant's part may come eight items at once, where others get one at a time for a
                // weight that is 6 times as much in all; and of the tenant's grants every ninth at the latest is one of its last priority.
                Assert.True(ask < 8 * 8 * 7 * 9, $"{ask} asks were answered with other work.");
            }
        }, iter: 300);

    [Fact]
    public void AnyWeights_AreKeptWithinATenth() =>
        Gen.Select(Gen.Int[1, 40].Array[2, 6], Gen.Int[1, 20]).Sample((weights, free) =>
        {
            var plan = new DispatchPlan(tenant => weights[tenant[1] - '0'] / 10.0);
            for (var i = 0; i < weights.Length; i++) plan.Offer(Offer($"j{i}", 0, 1_000_000, tenant: $"t{i}"));

            var served = new long[weights.Length];
            var total = 400L * weights.Sum();
            for (long given = 0; given < total;)
            {
                foreach (var hint in plan.Next("w", free, free))
                {
                    served[hint.Job.Value[1] - '0'] += hint.ItemCount;
                    given += hint.ItemCount;
                }
            }

            for (var i = 0; i < weights.Length; i++) Assert.InRange(served[i] / (double)served.Sum() * weights.Sum() / weights[i], 0.9, 1.1);
        }, iter: 50);

    /// <summary>Hints never exceed what was told and not hinted since, whatever is told again, closed or moved; told anew, the plan is as a fresh one.</summary>
    [Fact]
    public void Books_BalanceOverAnyOrderOfOffersAndAsks()
    {
        var offer = Gen.Select(Gen.Int[0, 4], Gen.Int[0, 2], Gen.Int[0, 3], Gen.Int[0, 40]);
        Gen.Select(offer, Gen.Int[0, 12], Gen.Int[0, 12]).Array[1, 60].Sample(steps =>
        {
            var plan = new DispatchPlan(tenant => tenant == "t0" ? 2 : 1);
            var told = new Dictionary<(string, int), ShardOffer>();
            foreach (var ((job, shard, priority, count), free, bulk) in steps)
            {
                var next = Offer($"j{job}", shard, count, tenant: $"t{job % 3}", priority: (JobPriority)priority);
                plan.Offer(next);
                told[(next.Job.Value, shard)] = next;
                foreach (var hint in plan.Next("w", free, Math.Min(free, bulk)))
                {
                    var known = told[(hint.Job.Value, hint.Shard)];
                    Assert.InRange(hint.ItemCount, 1, known.PendingCount);
                    told[(hint.Job.Value, hint.Shard)] = known with { PendingCount = known.PendingCount - hint.ItemCount };
                }

                Assert.Equal(told.Values.Sum(known => known.PendingCount), plan.PendingCount);
            }

            var fresh = new DispatchPlan(_ => 1);
            foreach (var known in told.Values.Select(known => known with { PendingCount = known.PendingCount + 3 }).ToList())
            {
                plan.Offer(known);
                fresh.Offer(known);
            }

            Assert.Equal(fresh.PendingOf("w"), plan.PendingOf("w"));
            Assert.Equal(Drained(fresh), Drained(plan));
        }, iter: 300);
    }

    [Fact]
    public void WhereBothWait_EightGrantsHoldOneOfBulk_AndSevenOfInteractiveWork() =>
        Gen.Int[1, 30].Array[1, 8].Sample(samples =>
        {
            var plan = Filled(Offer("bulk", 0, 10_000));
            for (var i = 0; i < samples.Length; i++) plan.Offer(Offer($"now{i}", 0, samples[i], priority: JobPriority.Interactive));
            var grants = new List<bool>();
            while (plan.PendingOf("w").Interactive > 0) grants.Add(Assert.Single(plan.Next("w", 1, 1)).Job.Value == "bulk");

            for (var first = 0; first + 8 <= grants.Count; first++) Assert.Equal(1, grants.Skip(first).Take(8).Count(isBulk => isBulk));
        }, iter: 100);

    [Fact]
    public void BulkThatMayNotGoYet_GoesAsSoonAsItMay()
    {
        var plan = Filled(Offer("bulk", 0, 100), Offer("now", 0, 100, priority: JobPriority.Interactive));
        for (var ask = 0; ask < 10; ask++) Assert.Equal("now", Assert.Single(plan.Next("w", 1, 0)).Job.Value);

        Assert.Equal("bulk", Assert.Single(plan.Next("w", 1, 1)).Job.Value);
    }

    [Fact]
    public void Shards_ThatTellNothingAfterAHint_AreNamedOnce()
    {
        var plan = Filled(Offer("a", 0, 4), Offer("a", 1, 4));
        plan.Next("w", 5, 5);
        Assert.Empty(plan.Silent(10));
        plan.Offer(Offer("a", 1, 3));

        Assert.Equal([(new JobId("a"), 0)], plan.Silent(10));
        Assert.Empty(plan.Silent(10));
    }

    private static List<((string Job, int Shard) Place, int Count)> Drained(DispatchPlan plan)
    {
        var hinted = new Dictionary<(string Job, int Shard), int>();
        while (plan.Next("w", 7, 5) is { Count: > 0 } hints)
            foreach (var hint in hints) hinted[(hint.Job.Value, hint.Shard)] = hinted.GetValueOrDefault((hint.Job.Value, hint.Shard)) + hint.ItemCount;
        return [.. hinted.Select(pair => (pair.Key, pair.Value)).Order()];
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
