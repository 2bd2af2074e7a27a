using Emu3.Gateway.Cluster;
using Microsoft.Extensions.Time.Testing;

namespace Emu3.Tests.Unit.Gateway.Cluster;

[Trait("Suite", "Fast")]
public sealed class ReadinessGraceTests
{
    private static readonly TimeSpan s_grace = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Cluster_ThatNeverAnswered_IsNotWell()
    {
        var check = new ReadinessGrace(s_grace, _time);

        Assert.Contains("gone", await check.LookAsync(() => throw new InvalidOperationException("gone"), s_patience, Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cluster_ThatFellSilent_IsWellWhileTheGraceLasts_AndAgainWhenItAnswers()
    {
        var check = new ReadinessGrace(s_grace, _time);
        Assert.Null(await check.LookAsync(Well, s_patience, Cancellation));

        _time.Advance(s_grace - TimeSpan.FromSeconds(1));
        Assert.Null(await check.LookAsync(Gone, s_patience, Cancellation));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Contains("gone", await check.LookAsync(Gone, s_patience, Cancellation), StringComparison.Ordinal);
        Assert.Null(await check.LookAsync(Well, s_patience, Cancellation));
    }

    /// <summary>A cluster that answers that something is not well is believed at once.</summary>
    [Fact]
    public async Task Problem_ThatIsKnown_NeedsNoPatience()
    {
        var check = new ReadinessGrace(s_grace, _time);
        Assert.Null(await check.LookAsync(Well, s_patience, Cancellation));

        Assert.Equal("No worker.", await check.LookAsync(() => Task.FromResult<string?>("No worker."), s_patience, Cancellation));
        Assert.Contains("gone", await check.LookAsync(Gone, s_patience, Cancellation), StringComparison.Ordinal);
    }

    /// <summary>Calls to a silo that dies hang for ten seconds, and a probe has one.</summary>
    [Fact]
    public async Task Answer_ThatHangs_HoldsUpTheFirstPageLonger_AndIsAskedForOnce()
    {
        var check = new ReadinessGrace(s_grace, _time);
        var (answer, begun, asked) = (new TaskCompletionSource<string?>(), new TaskCompletionSource(), 0);
        Task<string?> Hang()
        {
            Interlocked.Increment(ref asked);
            begun.TrySetResult();
            return answer.Task;
        }

        var first = check.LookAsync(Hang, s_patience, Cancellation);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(first.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull(await first);

        answer.SetResult(null);
        while (await check.LookAsync(Hang, s_patience, Cancellation) is not null) await Task.Yield();
        (answer, begun, asked) = (new(), new(), 0);
        for (var page = 0; page < 3; page++)
        {
            var look = check.LookAsync(Hang, s_patience, Cancellation);
            await begun.Task.WaitAsync(Cancellation); // on another thread
            _time.Advance(TimeSpan.FromSeconds(0.5));
            Assert.Null(await look);
        }

        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task Cluster_WithoutGrace_IsAskedAnew_EachTime()
    {
        var check = new ReadinessGrace(TimeSpan.Zero, _time);
        Assert.Null(await check.LookAsync(Well, s_patience, Cancellation));
        Assert.NotNull(await check.LookAsync(Gone, s_patience, Cancellation));
    }

    private static Task<string?> Well() => Task.FromResult<string?>(null);

    private static Task<string?> Gone() => throw new InvalidOperationException("gone");
}
