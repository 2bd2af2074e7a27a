using Emu3.Grains.Interfaces;
using Emu3.Grains.Usage;

namespace Emu3.Tests.Unit.Grains.Usage;

[Trait("Suite", "Fast")]
public sealed class UsageHourStateTests
{
    [Fact]
    public void With_WhatWasToldAlready_ChangesNothing()
    {
        var state = new UsageHourState().With(Usage("job_1", 1, 3));

        Assert.Same(state, state.With(Usage("job_1", 1, 3)));
    }

    [Fact]
    public void With_ALaterAttempt_TakesThePlaceOfTheEarlier_ButNotTheOtherWayRound()
    {
        var state = new UsageHourState().With(Usage("job_1", 1, 3)).With(Usage("job_2", 1, 1)).With(Usage("job_1", 2, 5));

        Assert.Same(state, state.With(Usage("job_1", 1, 3)));
        Assert.Equal(6, state.Jobs.Values.Sum(job => job.Items.Images));
    }

    private static JobUsage Usage(string job, int attempt, int images) => new()
    {
        Job = new(job),
        Tenant = "tenant",
        Key = "key_0123456789abcdef",
        AcceptedAt = DateTimeOffset.UnixEpoch,
        Attempt = attempt,
        Items = new(images, 0, 0, 0, 0),
    };
}
