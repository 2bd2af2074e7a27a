using CsCheck;
using Emu3.Inference.Batching;

namespace Emu3.Tests.Unit.Inference.Batching;

[Trait("Suite", "Fast")]
public sealed class PassCostsTests
{
    private static PassCosts Some() => new([(2, 1), (8, 1.5), (32, 4)], 128);

    [Fact]
    public void Of_RowsBetweenAndBehindMeasuredOnes_FollowsStraightLinesAndFullPasses()
    {
        var costs = Some();
        Assert.Equal((1, 1, 1.25, 4), (costs.Of(1), costs.Of(2), Math.Round(costs.Of(5), 9), costs.Of(32)));
        Assert.Equal(14, costs.Of(128), 9); // on by the last line
        Assert.Equal(2 * costs.Of(128) + costs.Of(5), costs.Of(261), 9);
    }

    [Fact]
    public void Of_MoreRows_NeverCostsLess() =>
        Gen.Select(Gen.Double[0.1, 10].Array[3], Gen.Select(Gen.Int[1, 300], Gen.Double[0.01, 100]).Array[0, 30]).Sample((measured, seen) =>
        {
            var costs = new PassCosts([(1, measured[0]), (10, measured[1]), (100, measured[2])], 128);
            foreach (var (rows, seconds) in seen)
                costs.Observe(rows, seconds);
            Assert.All(Enumerable.Range(1, 400), rows => Assert.True(costs.Of(rows + 1) >= costs.Of(rows) * 0.999_999));
        }, iter: 50);

    [Fact]
    public void Observe_StepsThatTakeLonger_AreBelievedAndChangeTheOthersLess()
    {
        var (costs, before) = (Some(), Some());
        for (var i = 0; i < 40; i++)
            costs.Observe(8, 3);
        Assert.Equal(3, costs.Of(8), 0.2);
        Assert.True(costs.Of(2) < 2 * before.Of(2)); // what was not seen is believed less changed
        Assert.True(costs.Of(2) > before.Of(2)); // and changed with it: a machine may have become slower
    }

    [Fact]
    public void Observe_AStepThatWasHeldUp_ChangesLittle()
    {
        var costs = Some();
        costs.Observe(8, 1000);
        Assert.InRange(costs.Of(8), 1.5, 1.8);
    }

    [Fact]
    public void Observe_OtherRowsForLong_ForgetsWhatWasBadOnce()
    {
        var costs = Some();
        for (var i = 0; i < 20; i++)
            costs.Observe(32, 12);
        var bad = costs.Of(32) / costs.Of(2);
        for (var i = 0; i < 3000; i++)
            costs.Observe(2, 1);
        Assert.InRange(costs.Of(32) / costs.Of(2), 3.5, 4.5);
        Assert.True(bad > 6);
    }

    [Fact]
    public void New_NothingMeasured_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new PassCosts([], 128));
        Assert.Throws<ArgumentException>(() => new PassCosts([(8, 1), (2, 1)], 128));
        Assert.Throws<ArgumentException>(() => new PassCosts([(8, 0)], 128));
    }
}
