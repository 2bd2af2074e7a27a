using CsCheck;
using Emu3.Cli.Devices;

namespace Emu3.Tests.Unit.Cli.Devices;

[Trait("Suite", "Fast")]
public sealed class RestartPolicyTests
{
    private static readonly RestartPolicy s_policy = new();
    private static readonly ChildEnd s_killed = new(TimeSpan.FromSeconds(1), null);

    private static readonly Gen<ChildEnd> s_end = Gen.Select(Gen.Int[-1, 40], Gen.Int[0, 3], (seconds, kind) => kind switch
    {
        2 => new ChildEnd(null, "no weights"),
        3 => new ChildEnd(null, "no memory"),
        _ => new ChildEnd(seconds < 0 ? null : TimeSpan.FromSeconds(seconds), null),
    });

    [Fact]
    public void Restart_EndAfterEnd_WaitsTwiceAsLong_UpToTheLongest()
    {
        var waits = WaitsOf(Enumerable.Repeat(s_killed, 9));
        Assert.Equal([0.25, 0.5, 1, 2, 4, 8, 15, 15, 15], waits);
    }

    [Fact]
    public void Restart_AfterAStableWhile_BeginsAnew() =>
        Assert.Equal([0.25, 0.5, 1, 0.25, 0.5], WaitsOf([s_killed, s_killed, s_killed, new(s_policy.StableAfter, null), s_killed]));

    [Fact]
    public void GiveUp_SameFailureThreeTimesInARow_HasTheReason()
    {
        var verdicts = VerdictsOf(Enumerable.Repeat(new ChildEnd(null, "no weights"), 3));
        Assert.All(verdicts.Take(2), verdict => Assert.IsType<Verdict.Restart>(verdict));
        Assert.Equal(new Verdict.GiveUp("no weights"), verdicts[2]);
    }

    [Theory]
    [InlineData("a", "a", "b", "a", "a")]
    [InlineData("a", "a", null, "a", "a")]
    public void GiveUp_OtherReasonsOrAKillInBetween_CountAnew(params string?[] failures) =>
        Assert.All(VerdictsOf(failures.Select(failure => new ChildEnd(null, failure))), verdict => Assert.IsType<Verdict.Restart>(verdict));

    [Fact]
    public void Policy_AnyHistory_WaitsWithinItsBounds_AndGivesUpOnlyForTheSameReasonThreeTimes() => s_end.List[1, 30].Sample(ends =>
    {
        var verdicts = VerdictsOf(ends);
        for (var i = 0; i < verdicts.Count; i++)
        {
            var lastThree = ends.Take(i + 1).TakeLast(3).Select(end => end.LoadFailure).ToList();
            var isHopeless = lastThree.Count == 3 && lastThree[0] is not null && lastThree.Distinct().Count() == 1;
            Assert.Equal(isHopeless, verdicts[i] is Verdict.GiveUp);
            if (verdicts[i] is Verdict.Restart restart)
            {
                Assert.InRange(restart.After, s_policy.FirstWait, s_policy.LongestWait);
            }
        }
    });

    private static List<double> WaitsOf(IEnumerable<ChildEnd> ends) => [.. VerdictsOf(ends).Cast<Verdict.Restart>().Select(restart => restart.After.TotalSeconds)];

    private static List<Verdict> VerdictsOf(IEnumerable<ChildEnd> ends)
    {
        var history = ChildHistory.None;
        var verdicts = new List<Verdict>();
        foreach (var end in ends)
        {
            (history, var verdict) = s_policy.After(history, end);
            verdicts.Add(verdict);
        }

        return verdicts;
    }
}
