using CsCheck;
using Emu3.Grains.Workers;

namespace Emu3.Tests.Unit.Grains.Workers;

[Trait("Suite", "Fast")]
public sealed class SlotBudgetTests
{
    [Fact]
    public void Bulk_LeavesTheReservedSlots_InteractiveTakesThem()
    {
        var budget = new SlotBudget(16, 2, 4);

        Assert.True(budget.CanStart(isInteractive: false, 2, bulkSlotsInUse: 12, interactiveSlotsInUse: 0));
        Assert.False(budget.CanStart(isInteractive: false, 2, bulkSlotsInUse: 14, interactiveSlotsInUse: 0));
        Assert.True(budget.CanStart(isInteractive: true, 2, bulkSlotsInUse: 14, interactiveSlotsInUse: 0));
        Assert.False(budget.CanStart(isInteractive: true, 1, bulkSlotsInUse: 14, interactiveSlotsInUse: 2));
    }

    [Fact]
    public void OneItem_MayAlwaysStart() => Assert.True(new SlotBudget(1, 1, 4).CanStart(isInteractive: false, 2, 0, 0));

    [Fact]
    public void NothingReserved_TheEngineHoldsTheNextOnes() =>
        Assert.True(new SlotBudget(16, 0, 4).CanStart(isInteractive: false, 2, bulkSlotsInUse: 16, interactiveSlotsInUse: 0));

    /// <summary>Starting what one may, a worker never holds more than its slots and what it looks ahead, and never idles beside work.</summary>
    [Fact]
    public void AnyMix_StaysWithinTheBudget() =>
        Gen.Select(Gen.Int[1, 64], Gen.Int[0, 8], Gen.Int[1, 8], Gen.Select(Gen.Bool, Gen.Int[1, 2]).Array[1, 80]).Sample((slots, reserved, ahead, items) =>
        {
            var budget = new SlotBudget(slots, Math.Min(reserved, slots - 1), ahead);
            var (bulk, interactive) = (0, 0);
            foreach (var (isInteractive, size) in items)
            {
                if (!budget.CanStart(isInteractive, size, bulk, interactive)) continue;
                if (isInteractive) interactive += size;
                else bulk += size;
            }

            Assert.InRange(bulk + interactive, 1, Math.Max(2, slots + (budget.ReservedSlots == 0 ? ahead : 0)));
            var (wanted, wantedBulk) = budget.Wanted(bulk, interactive);
            Assert.InRange(wantedBulk, 0, wanted);
            if (bulk + interactive <= slots) Assert.InRange(wanted, 1, slots + ahead);
        }, iter: 500);
}
