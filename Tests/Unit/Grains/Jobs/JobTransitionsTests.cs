using CsCheck;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Jobs;

namespace Emu3.Tests.Unit.Grains.Jobs;

[Trait("Suite", "Fast")]
public sealed class JobTransitionsTests
{
    private static readonly JobId s_id = JobId.FromIdempotencyKey("t", "k");
    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch;

    private static JobSpec Spec(string model = "m", string value = "v") => new()
    {
        Tenant = "t",
        Model = model,
        WeightsHash = "h",
        Priority = JobPriority.Normal,
        Seed = 1,
        CreatedAt = s_now,
        Metadata = new Dictionary<string, string> { ["k"] = value },
    };

    [Fact]
    public void Open_OfTheSameSubmissionLater_ChangesNothing_OfAnother_Throws()
    {
        var state = JobTransitions.Open(new(), s_id, Spec(), s_now);

        Assert.Same(state, JobTransitions.Open(state, s_id, Spec() with { CreatedAt = s_now.AddMinutes(1) }, s_now));
        Assert.Throws<IdempotencyConflictException>(() => JobTransitions.Open(state, s_id, Spec(model: "other"), s_now));
        Assert.Throws<IdempotencyConflictException>(() => JobTransitions.Open(state, s_id, Spec(value: "other"), s_now));
        Assert.Throws<IdempotencyConflictException>(() => JobTransitions.Open(state with { IsDeleted = true, Total = 1 }, s_id, Spec(), s_now));
    }

    [Fact]
    public void Seal_WithOtherContent_Throws()
    {
        var state = JobTransitions.Seal(JobTransitions.Open(new(), s_id, Spec(), s_now), s_id, 3, "a");

        Assert.Same(state, JobTransitions.Seal(state, s_id, 3, "a"));
        Assert.Throws<IdempotencyConflictException>(() => JobTransitions.Seal(state, s_id, 4, "a"));
        Assert.Throws<IdempotencyConflictException>(() => JobTransitions.Seal(state, s_id, 3, "b"));
    }

    [Fact]
    public void Forsaken_OnlyWhenOpenForMoreThanAnHour()
    {
        var state = JobTransitions.Open(new(), s_id, Spec(), s_now);

        Assert.Equal(JobStatus.Open, JobTransitions.AbortIfForsaken(state, TimeSpan.FromHours(1), s_now.AddHours(1)).Status);
        Assert.Equal(JobStatus.Aborted, JobTransitions.AbortIfForsaken(state, TimeSpan.FromHours(1), s_now.AddHours(1).AddSeconds(1)).Status);
        Assert.Equal(JobStatus.Queued, JobTransitions.AbortIfForsaken(JobTransitions.Seal(state, s_id, 1, "a"), TimeSpan.FromHours(1), s_now.AddDays(9)).Status);
    }

    [Fact]
    public void RetryFailed_OfAJobThatEndedInItsPause_IsNotPaused()
    {
        var state = JobTransitions.Seal(JobTransitions.Open(new(), s_id, Spec(), s_now), s_id, 2, "a");
        state = JobTransitions.Pause(JobTransitions.Progress(state, new(0, 2, 0, 0, 0), 0, true, s_now), s_id);
        state = JobTransitions.Progress(state, new(0, 0, 1, 1, 0), 0, true, s_now);
        Assert.Equal((JobStatus.Completed, PauseReason.None), (state.Status, state.PauseReason));

        state = JobTransitions.RetryFailed(state, s_id, 1);

        Assert.Equal((JobStatus.Running, false, 2), (state.Status, state.DesiredState.IsPaused, state.DesiredState.Attempt));
        Assert.Same(state, JobTransitions.Progress(state, new(0, 0, 1, 1, 0), 0, false, s_now)); // what its shards said before
    }

    [Fact]
    public void RetryFailed_EndsAPauseOverFailures_AndKeepsOneThatWasAskedFor()
    {
        var running = JobTransitions.Progress(
            JobTransitions.Seal(JobTransitions.Open(new(), s_id, Spec() with { MaxFailures = 1 }, s_now), s_id, 9, "a"), new(8, 1, 0, 0, 0), 0, true, s_now);
        var overFailures = JobTransitions.Progress(running, new(5, 0, 2, 2, 0), 0, true, s_now);
        Assert.Equal((JobStatus.Paused, PauseReason.TooManyFailures, true), (overFailures.Status, overFailures.PauseReason, overFailures.DesiredState.IsPaused));

        Assert.Equal(JobStatus.Running, JobTransitions.RetryFailed(overFailures, s_id, 2).Status);
        Assert.Equal(JobStatus.Paused, JobTransitions.RetryFailed(JobTransitions.Pause(running, s_id), s_id, 1).Status);
        var resumed = JobTransitions.Resume(overFailures, s_id, 2);
        Assert.Same(resumed, JobTransitions.Progress(resumed, new(5, 0, 2, 2, 0), 0, true, s_now)); // these are forgiven
        Assert.Equal(JobStatus.Paused, JobTransitions.Progress(resumed, new(3, 0, 2, 4, 0), 0, true, s_now).Status);
    }

    /// <summary>Any order of calls: a terminal status is reached at most once and never left, and only when all items have ended.</summary>
    [Fact]
    public void AnyOrder_ReachesOneTerminalStatus()
    {
        Gen.Int[0, 3].Array[0, 20].Sample(steps =>
        {
            var state = JobTransitions.Open(new(), s_id, Spec(), s_now);
            var (terminal, ended) = (0, 0);
            foreach (var step in steps)
            {
                var was = state;
                if (step == 1 && state.Total > 0) ended = Math.Min(2, ended + 1);
                state = step switch
                {
                    0 => state.Status is JobStatus.Open ? JobTransitions.Seal(state, s_id, 2, "a") : state,
                    1 => JobTransitions.Progress(state, new ItemCounts(2 - ended, 0, ended, 0, 0), 0, true, s_now),
                    2 => JobTransitions.Cancel(state, s_now),
                    _ => JobTransitions.AbortIfForsaken(state, TimeSpan.FromHours(1), s_now.AddHours(2)),
                };
                if (was.IsTerminal) Assert.Same(was, state);
                if (!was.IsTerminal && state.IsTerminal) terminal++;
                if (state.IsTerminal && state.Total > 0) Assert.Equal(2, ended);
                Assert.Equal(state.IsTerminal, state.EndedAt is not null);
            }

            Assert.InRange(terminal, 0, 1);
        }, iter: 2000);
    }
}
