using CsCheck;
using Emu3.Grains.Dispatch;
using Emu3.Grains.Interfaces;
using Emu3.Tests.Unit.Grains.Interfaces.Requests;

namespace Emu3.Tests.Unit.Grains.Dispatch;

[Trait("Suite", "Fast")]
public sealed class WorkerRosterTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);
    private readonly WorkerRoster _roster = new();

    [Fact]
    public void Offer_WakesNoMoreThanThereAreItems_AndNobodyTwice()
    {
        for (var i = 0; i < 1000; i++) Idle(i, new(10, 9, 0));

        Assert.Equal(3, Wake(3).Count);
        Assert.Empty(Wake(3));
        Assert.Equal(7, Wake(10).Count);
        Assert.Equal(10, Wake(10, at: 2 * s_second).Count); // those that were woken did not come
    }

    [Fact]
    public void Offer_WakesTheEmptiestFirst_AndForSomeoneWhoWaitsTheFullToo()
    {
        Idle(0, new(2, 1, 3));
        Idle(1, new(8, 7, 0));
        Idle(2, new(1, 0, 6));
        Idle(3, new(0, 0, 7));

        Assert.Equal([1, 0], Numbers(Wake(9)));
        foreach (var worker in _roster.Workers) worker.WokenAt = null;
        Assert.Equal([1, 0, 2, 3], Numbers(Wake(9, isInteractive: true)));
        Assert.Empty(_roster.ToWake("other weights", true, 9, s_second));
    }

    [Fact]
    public void LittleWork_IsSpreadOverAllThatAreIdle()
    {
        for (var i = 0; i < 4; i++) Idle(i, new(10, 9, 0));
        Assert.Equal((5, 5), Ask(0, new(10, 9, 0), (0, 20)));
        Assert.Equal((9, 9), Ask(1, new(10, 9, 0), (0, 1000)));
        Assert.Equal((1, 0), Ask(2, new(10, 9, 0), (1, 0)));
    }

    [Fact]
    public void FullWorker_IsGivenWhatSomebodyWaitsFor_OnlyWhereNobodyHasAFreePlace()
    {
        Idle(0, new(1, 0, 3));
        Assert.Equal((0, 0), Ask(1, new(0, 0, 4), (2, 50)));

        _roster.Remove(new WorkerId("s/0"));
        Assert.Equal((2, 0), Ask(1, new(0, 0, 4), (2, 50)));
        Assert.Equal((3, 0), Ask(1, new(0, 0, 3), (9, 50)));
    }

    [Fact]
    public void QuarantinedWorker_IsNeitherWokenNorGivenAnything()
    {
        var worker = Idle(0, new(10, 9, 0));
        _roster.SetQuarantine(worker, "it died");

        Assert.Empty(Wake(5));
        Assert.Equal((0, 0), Ask(0, new(10, 9, 0), (1, 50)));
        Assert.Empty(Wake(5));

        _roster.SetQuarantine(worker, null);
        Assert.Equal((10, 9), Ask(0, new(10, 9, 0), (1, 50)));
    }

    [Fact]
    public void ManyWorkers_AskLessOftenEach()
    {
        for (var i = 0; i < 100; i++) Idle(i, default);
        Assert.Equal(TimeSpan.FromSeconds(0.2), _roster.MinAskPeriod);

        for (var i = 100; i < 5000; i++) Idle(i, default);
        Assert.Equal(TimeSpan.FromSeconds(10), _roster.MinAskPeriod);
    }

    /// <summary>However workers come, ask, are served, woken and go: an offer wakes exactly those that there is something for, at most all that are available.</summary>
    [Fact]
    public void Hunger_IsKeptRight() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 5], Gen.Int[0, 6], Gen.Int[0, 6]).Array[1, 60].Sample(steps =>
        {
            var roster = new WorkerRoster();
            var unmet = new Dictionary<int, int>();
            foreach (var (what, number, wanted, given) in steps)
            {
                var id = new WorkerId($"s/{number}");
                if (what == 0)
                {
                    roster.Remove(id);
                    unmet.Remove(number);
                    continue;
                }

                var worker = roster.Add(Info(number), TimeSpan.Zero);
                var (items, bulk) = roster.Asks(worker, new(wanted, wanted, 0), (0, 1000), TimeSpan.Zero);
                Assert.Equal((wanted, wanted), (items, bulk));
                roster.Given(worker, Math.Min(given, wanted), Math.Min(given, wanted));
                unmet[number] = Math.Max(0, wanted - given);
            }

            var woken = roster.ToWake("w", false, 1000, TimeSpan.Zero);
            Assert.Equal(unmet.Where(pair => pair.Value > 0).Select(pair => pair.Key).Order(), Numbers(woken).Order());
        }, iter: 300);

    private KnownWorker Idle(int number, WorkerCapacity capacity)
    {
        var worker = _roster.Add(Info(number), TimeSpan.Zero);
        _roster.Asks(worker, capacity, (0, 0), TimeSpan.Zero);
        _roster.Given(worker, 0, 0);
        return worker;
    }

    private (int, int) Ask(int number, WorkerCapacity capacity, (int, int) pending)
    {
        var worker = _roster.TryFind(new WorkerId($"s/{number}"), out var known) ? known : _roster.Add(Info(number), TimeSpan.Zero);
        var given = _roster.Asks(worker, capacity, pending, TimeSpan.Zero);
        _roster.Given(worker, 0, 0);
        return given;
    }

    private IReadOnlyList<KnownWorker> Wake(int pending, bool isInteractive = false, TimeSpan at = default) => _roster.ToWake("w", isInteractive, pending, at);

    private static IEnumerable<int> Numbers(IEnumerable<KnownWorker> workers) => workers.Select(worker => worker.Info.Id.Value[^1] - '0');

    private static WorkerInfo Info(int number) => new()
    {
        Id = new WorkerId($"s/{number}"),
        Model = Cards.Released with { WeightsHash = "w" },
        SlotCount = 16,
        NumericClass = "class",
        IsRowInvariant = true,
        Device = $"host/{number}",
    };
}
