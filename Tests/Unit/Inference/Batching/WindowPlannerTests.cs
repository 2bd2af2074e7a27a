using CsCheck;
using Emu3.Inference.Batching;

namespace Emu3.Tests.Unit.Inference.Batching;

[Trait("Suite", "Fast")]
public sealed class WindowPlannerTests
{
    private static readonly Gen<PassCosts> Costs = Gen.Select(Gen.Double[1e-4, 1], Gen.Double[0, 2].Array[7]).Select((first, growth) =>
    {
        List<(int Rows, double Seconds)> measured = [(1, first)];
        foreach (var factor in growth) // from nothing for twice the rows to three times as much
            measured.Add((2 * measured[^1].Rows, measured[^1].Seconds * (1 + factor)));
        return new PassCosts(measured, 128);
    });

    private static readonly Gen<WindowCandidate[]> Candidates = Gen.Select(Gen.Int[1, 64], Gen.Int[1, 2], Gen.Double[0, 1]).Select((possible, branches, exponent) =>
        new WindowCandidate(possible, branches, exponent)).Array[1, 64];

    private static readonly Gen<WindowCandidate[]> Pairs = Gen.Select(Gen.Int[1, 64], Gen.Double[0, 1]).Array[2].SelectMany(pair => Gen.Int[1, 2].Select(branches =>
        pair.Select(one => new WindowCandidate(one.Item1, branches, one.Item2)).ToArray()));

    private static int Rows(WindowCandidate[] candidates) => candidates.Sum(candidate => candidate.RowsPerDraw);

    private static int[] Choose(PassCosts costs, WindowCandidate[] candidates)
    {
        var windows = new int[candidates.Length];
        new WindowPlanner(costs).Choose(candidates, Rows(candidates), windows);
        return windows;
    }

    /// <summary>Tokens a second that windows promise.</summary>
    private static double Rate(PassCosts costs, WindowCandidate[] candidates, int[] windows) =>
        candidates.Zip(windows, (candidate, window) => Math.Pow(window, candidate.Exponent)).Sum()
        / costs.Of(candidates.Zip(windows, (candidate, window) => candidate.RowsPerDraw * window).Sum());

    [Fact]
    public void Choose_Anything_IsPossibleAndNeverSlowerThanWithoutGuesses() =>
        Gen.Select(Costs, Candidates).Sample((costs, candidates) =>
        {
            var windows = Choose(costs, candidates);
            Assert.All(windows.Zip(candidates), pair => Assert.InRange(pair.First, 1, pair.Second.PossibleDraws));
            Assert.True(Rate(costs, candidates, windows) >= Rate(costs, candidates, [.. candidates.Select(_ => 1)]) * 0.999_999);
            Assert.InRange(candidates.Zip(windows, (candidate, window) => candidate.RowsPerDraw * window).Sum(), 0, Math.Max(512, Rows(candidates)));
        }, iter: 500);

    [Fact]
    public void Choose_TwoSequences_IsNearTheBestOfAllWindows() =>
        Gen.Select(Costs, Pairs).Sample((costs, candidates) =>
        {
            var best = 0.0;
            for (var first = 1; first <= candidates[0].PossibleDraws; first++)
                for (var second = 1; second <= candidates[1].PossibleDraws; second++)
                    best = Math.Max(best, Rate(costs, candidates, [first, second]));
            Assert.True(Rate(costs, candidates, Choose(costs, candidates)) >= 0.97 * best); // a gain of less than three hundredths is left
        }, iter: 60);

    [Fact]
    public void Choose_RowsThatCostNothing_TakesTheLongestWindowsThatGainAnything()
    {
        var costs = new PassCosts([(1, 0.01), (128, 0.01)], 128);
        Assert.Equal([64], Choose(costs, [new(64, 2, 0.5)]));
        Assert.Equal([40], Choose(costs, [new(40, 2, 0.5)]));
        Assert.Equal([1], Choose(costs, [new(64, 2, 0)])); // no guess is ever right
    }

    [Fact]
    public void Choose_RowsThatCostTheirShare_DrawsOneTokenEach()
    {
        var costs = new PassCosts([(1, 0.01), (128, 1.28)], 128);
        Assert.All(Choose(costs, [new(64, 2, 0.7), new(64, 1, 0.7), new(64, 1, 0.3)]), window => Assert.Equal(1, window));
    }

    [Fact]
    public void Choose_MoreInFlight_ShortensTheWindows()
    {
        var costs = new PassCosts([(1, 1), (8, 1), (128, 8)], 128); // bound by weights up to eight rows
        var windows = ((int[])[1, 2, 4, 16]).Select(count => Choose(costs, [.. Enumerable.Repeat(new WindowCandidate(64, 2, 0.65), count)])[0]).ToArray();
        Assert.Equal(windows.OrderDescending(), windows);
        Assert.InRange(windows[0], 7, 10);
        Assert.Equal(1, windows[^1]);
    }
}
