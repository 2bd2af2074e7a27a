using System.Globalization;
using CsCheck;
using Emu3.Grains.Catalogs;
using Emu3.Grains.Interfaces;

namespace Emu3.Tests.Unit.Grains.Catalogs;

[Trait("Suite", "Fast")]
public sealed class LedgerTransitionsTests
{
    private const string Device = "node-7/cuda:0";
    private static readonly DateTimeOffset s_start = DateTimeOffset.UnixEpoch;
    private static readonly JobId s_job = new("job_1");

    [Fact]
    public void ThreeDeaths_OfThreeItems_QuarantineTheDevice()
    {
        var state = Deaths([1], [2], [3]);

        Assert.Contains("3 workers died here", state.Devices[Device].Quarantine, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1,2,3,4,5")] // one kill takes a whole batch along
    [InlineData("1,2 3,4")]
    [InlineData("1,2,3 1,2,3 1")] // item 1 was there each time
    [InlineData("1,2 1,2 1 2")] // two items that kill whatever runs them
    [InlineData("1,5 2,1 3,2,1 1")]
    public void DeathsThatTwoItemsExplain_LeaveTheDeviceAlone(string deaths) => Assert.Null(Deaths(Parse(deaths)).Devices[Device].Quarantine);

    [Theory]
    [InlineData("1,2,3 1,2,3 1 2 3")]
    [InlineData("1,9 2,9 3 4")]
    public void DeathsThatTwoItemsDoNotExplain_QuarantineIt(string deaths) => Assert.NotNull(Deaths(Parse(deaths)).Devices[Device].Quarantine);

    [Fact]
    public void Deaths_AreForgottenAfterAnHour()
    {
        var state = Deaths([1], [2]);

        state = Die(state, 3, [3], s_start + TimeSpan.FromMinutes(62));

        Assert.Null(state.Devices[Device].Quarantine);
    }

    [Fact]
    public void Finished_ClearsSuspicion_AndLateTidingsOfEarlierWorkers()
    {
        var state = LedgerTransitions.Finished(Deaths([1], [2]), Device);
        state = LedgerTransitions.DiedWith(state, "w0", s_job, 3, s_start);
        state = Die(state, 3, [4], s_start);
        state = Die(state, 4, [5], s_start);

        Assert.Null(state.Devices[Device].Quarantine);
        Assert.NotNull(Die(state, 5, [6], s_start).Devices[Device].Quarantine);
    }

    [Fact]
    public void Quarantine_StaysUntilReleased()
    {
        var state = LedgerTransitions.Finished(Deaths([1], [2], [3]), Device);
        Assert.NotNull(state.Devices[Device].Quarantine);

        var released = LedgerTransitions.Release(state, Device);

        Assert.Null(released.Devices[Device].Quarantine);
        Assert.Same(released, LedgerTransitions.Release(released, Device));
        Assert.Null(Die(released, 9, [9], s_start).Devices[Device].Quarantine);
    }

    [Fact]
    public void WhatIsKnownAlready_ChangesNothing()
    {
        var state = Deaths([1], [2]);

        Assert.Same(state, LedgerTransitions.DiedWith(state, "w1", s_job, 2, s_start));
        Assert.Same(state, LedgerTransitions.DiedWith(state, "never seen", s_job, 2, s_start));
        Assert.Same(state, LedgerTransitions.Seen(state, "w1", Device, s_start));
        Assert.Same(state, LedgerTransitions.Finished(state, "another"));
        Assert.Same(state, LedgerTransitions.Release(state, "another"));
    }

    [Fact]
    public void DevicesNotSeenForDays_AreForgotten_UnlessQuarantined()
    {
        var state = Deaths([1], [2], [3]);
        state = LedgerTransitions.Seen(state, "other", "node-8/cpu", s_start);

        state = LedgerTransitions.Seen(state, "new", "node-9/cpu", s_start + TimeSpan.FromDays(3));

        Assert.Equal([Device, "node-9/cpu"], state.Devices.Keys.Order());
    }

    /// <summary>
    /// Whatever the order in which shards tell of it, the verdict is the same; deaths that one item explains never bring it, and three that have no item
    /// in common always do.
    /// </summary>
    [Fact]
    public void Verdict_DependsOnTheDeathsAlone() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 5]).Array[1, 12].SelectMany(tidings => Gen.Select(Gen.Const(tidings), Gen.Shuffle(tidings))).Sample((tidings, shuffled) =>
        {
            var verdict = Verdict(tidings);
            var deaths = tidings.GroupBy(tiding => tiding.Item1, tiding => tiding.Item2).Select(items => items.ToHashSet()).ToList();
            var hasCommonItem = Enumerable.Range(0, 6).Any(item => deaths.TrueForAll(death => death.Contains(item)));
            var areDisjoint = deaths.Any(a => deaths.Any(b => !b.Overlaps(a) && deaths.Any(c => !c.Overlaps(a) && !c.Overlaps(b))));

            Assert.Equal(verdict, Verdict(shuffled));
            if (deaths.Count < 3 || hasCommonItem) Assert.False(verdict);
            if (areDisjoint) Assert.True(verdict);
        });

    private static bool Verdict((int Death, int Item)[] tidings)
    {
        var state = new LedgerState();
        for (var worker = 0; worker < 4; worker++) state = LedgerTransitions.Seen(state, $"w{worker}", Device, s_start);
        foreach (var (death, item) in tidings) state = LedgerTransitions.DiedWith(state, $"w{death}", s_job, item, s_start);
        return state.Devices[Device].Quarantine is not null;
    }

    private static LedgerState Deaths(params int[][] deaths)
    {
        var state = new LedgerState();
        for (var worker = 0; worker < deaths.Length; worker++) state = Die(state, worker, deaths[worker], s_start);
        return state;
    }

    private static LedgerState Die(LedgerState state, int worker, int[] items, DateTimeOffset at)
    {
        state = LedgerTransitions.Seen(state, $"w{worker}", Device, at);
        foreach (var item in items) state = LedgerTransitions.DiedWith(state, $"w{worker}", s_job, item, at);
        return state;
    }

    private static int[][] Parse(string deaths) =>
        [.. deaths.Split(' ').Select(death => death.Split(',').Select(item => int.Parse(item, CultureInfo.InvariantCulture)).ToArray())];
}
