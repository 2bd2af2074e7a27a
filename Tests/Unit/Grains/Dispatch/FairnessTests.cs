using Emu3.Grains.Workers;

namespace Emu3.Tests.Unit.Grains.Dispatch;

/// <summary>What tenants get of a cluster that others fill, at full size and in virtual time.</summary>
[Trait("Suite", "Fast")]
public sealed class FairnessTests
{
    [Theory]
    [InlineData(2, 8)]
    [InlineData(2, 64)]
    [InlineData(16, 16)]
    [InlineData(100, 16)]
    [InlineData(1000, 16)]
    public void SmallJob_BehindOneOfFiftyThousand_TakesAtMostTwiceWhatItWouldOnHalfTheCluster(int workerCount, int slotCount)
    {
        var budget = new SlotBudget(slotCount, Math.Max(1, slotCount / 16), 4);
        var alone = new SimulatedCluster(workerCount / 2, budget);
        alone.Submit("small", 10);
        alone.RunUntil(() => alone.Ended.GetValueOrDefault("small") == 10);

        var shared = new SimulatedCluster(workerCount, budget);
        shared.Submit("large", 50_000);
        shared.RunUntil(() => shared.Now > 3.3);
        var submittedAt = shared.Now;
        shared.Submit("small", 10);
        shared.RunUntil(() => shared.Ended.GetValueOrDefault("small") == 10);

        Assert.InRange(shared.Now - submittedAt, 0, 2 * alone.Now);
        Assert.InRange(shared.Ended["large"], 1, 49_999);
    }

    [Theory]
    [InlineData(1, 8, 3)]
    [InlineData(16, 16, 3)]
    [InlineData(100, 16, 3)]
    [InlineData(16, 64, 7.5)]
    public void Weights_AreKeptWithinATenth_FromTheFirstHundredsOfItemsOn(int workerCount, int slotCount, double weight)
    {
        var cluster = new SimulatedCluster(workerCount, new SlotBudget(slotCount, 1, 4), tenant => tenant == "large" ? weight : 1);
        cluster.Submit("large", 50_000);
        cluster.RunUntil(() => cluster.Now > 2);
        cluster.Submit("small", 50_000);
        var (large, ended) = (cluster.Granted["large"], cluster.Ended["large"]);
        cluster.RunUntil(() => cluster.Granted.GetValueOrDefault("small") >= 200);

        Assert.InRange((cluster.Granted["large"] - large) / (double)cluster.Granted["small"], 0.9 * weight, 1.1 * weight);

        cluster.RunUntil(() => cluster.Ended.GetValueOrDefault("small") >= 2000);
        Assert.InRange((cluster.Ended["large"] - ended) / (double)cluster.Ended["small"], 0.9 * weight, 1.2 * weight); // what was granted before ended too
    }

    [Fact]
    public void Cluster_IsNeverIdleWhileWorkWaits()
    {
        var cluster = new SimulatedCluster(10, new SlotBudget(16, 1, 4));
        for (var job = 0; job < 5; job++) cluster.Submit($"tenant {job}", 140);
        cluster.RunUntil(() => cluster.Ended.Values.Sum() == 700);

        // Ten workers run seven pictures each: ten rounds, and what the last ones take longer.
        Assert.InRange(cluster.Now, 9.5, 11.5);
    }
}
