using CsCheck;
using Emu3.Benchmarks.Chaos;

namespace Emu3.Tests.Unit.Benchmarks.Chaos;

[Trait("Suite", "Fast")]
public sealed class FaultPlanTests
{
    private static readonly Gen<FaultPlanShape> s_shapes = Gen.Select(Gen.Int[1, 3], Gen.Int[1, 4], Gen.Int[1, 3], Gen.Int[1, 255], Shape);

    [Fact]
    public void Plan_SameSeed_IsTheSame() => Gen.Select(Gen.Int[0, int.MaxValue - 1], s_shapes).Sample((seed, shape) =>
        FaultPlan.Draw(seed, 50, shape).SequenceEqual(FaultPlan.Draw(seed, 50, shape))
        && !FaultPlan.Draw(seed, 50, shape).SequenceEqual(FaultPlan.Draw(seed + 1, 50, shape)));

    [Fact]
    public void Plan_HitsWhoIsThere_WithWhatIsAllowed() => Gen.Select(Gen.Int[0, int.MaxValue - 1], s_shapes).Sample((seed, shape) =>
    {
        string[] silos = [.. shape.Controls, .. shape.Workers];
        foreach (var fault in FaultPlan.Draw(seed, 200, shape))
        {
            Assert.Contains(fault.Kind, shape.Kinds);
            Assert.InRange(fault.Gap, shape.MeanGap * 0.4, shape.MeanGap * 1.6);
            Assert.Equal(fault.Kind is FaultKind.ShortFreeze or FaultKind.LongFreeze or FaultKind.NetworkCut or FaultKind.FullDisk, fault.Duration > TimeSpan.Zero);
            string[] allowed = fault.Kind switch
            {
                FaultKind.NetworkCut => silos,
                FaultKind.FullDisk => ["disk"],
                FaultKind.DatabaseRestart => ["database"],
                FaultKind.KillAll => ["all"],
                _ => [.. silos, .. shape.Gateways],
            };
            Assert.Contains(fault.Target, allowed);
        }
    }, iter: 50);

    [Fact]
    public void Plan_TargetThatStandsStill_IsOnlyKilled() => Gen.Select(Gen.Int[0, int.MaxValue - 1], s_shapes).Sample((seed, shape) =>
    {
        var now = TimeSpan.Zero;
        var until = new Dictionary<string, TimeSpan>();
        foreach (var fault in FaultPlan.Draw(seed, 200, shape))
        {
            now += fault.Gap;
            Assert.True(fault.Kind == FaultKind.Kill || until.GetValueOrDefault(fault.Target) <= now, $"{fault} at {now}");
            if (fault.Duration > TimeSpan.Zero) until[fault.Target] = now + fault.Duration;
        }
    }, iter: 50);

    [Fact]
    public void Plan_LongEnough_HasEveryKindAndHitsEveryProcess()
    {
        var shape = Shape(2, 3, 2, kinds: 255);
        var faults = FaultPlan.Draw(7, 1000, shape).ToList();

        Assert.Equal(Enum.GetValues<FaultKind>().Order(), faults.Select(fault => fault.Kind).Distinct().Order());
        Assert.Superset(new HashSet<string>([.. shape.Controls, .. shape.Workers, .. shape.Gateways]), faults.Select(fault => fault.Target).ToHashSet());
    }

    /// <param name="controls">Control silos.</param>
    /// <param name="workers">Worker silos.</param>
    /// <param name="gateways">Gateways.</param>
    /// <param name="kinds">A bit for each kind; a kill is always among them.</param>
    private static FaultPlanShape Shape(int controls, int workers, int gateways, int kinds) => new()
    {
        Controls = [.. Enumerable.Range(0, controls).Select(number => $"control-{number}")],
        Workers = [.. Enumerable.Range(0, workers).Select(number => $"worker-{number}")],
        Gateways = [.. Enumerable.Range(0, gateways).Select(number => $"gateway-{number}")],
        Kinds = Enum.GetValues<FaultKind>().Where(kind => kind == FaultKind.Kill || (kinds & (1 << (int)kind)) != 0).ToHashSet(),
        MeanGap = TimeSpan.FromSeconds(1),
    };
}
