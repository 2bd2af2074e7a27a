using System.Reflection;
using System.Runtime.CompilerServices;
using Emu3.Gateway;
using Emu3.Gateway.Cluster;
using Microsoft.Extensions.Time.Testing;

namespace Emu3.Tests.Unit.Gateway;

[Trait("Suite", "Fast")]
public sealed class ClusterCallsTests
{
    private readonly FakeTimeProvider _time = new() { AutoAdvanceAmount = TimeSpan.FromSeconds(1) };
    private readonly ClusterCalls _cluster;

    public ClusterCallsTests() => _cluster = new(DispatchProxy.Create<IClusterClient, NotConnected>(), new ImpatientTime(_time));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Repeat_CallThatFailsTwiceInPassing_IsAnswered()
    {
        var calls = 0;
        Assert.Equal(3, await _cluster.Repeat(() => ++calls < 3 ? Task.FromException<int>(new TimeoutException()) : Task.FromResult(calls), Cancellation));
    }

    [Fact]
    public async Task Repeat_CallThatNeverWorks_GivesUp()
    {
        var calls = 0;
        await Assert.ThrowsAsync<SiloUnavailableException>(() => _cluster.Repeat(() =>
        {
            calls++;
            return Task.FromException<int>(new SiloUnavailableException());
        }, Cancellation));
        Assert.Equal(4, calls);
    }

    /// <summary>Else the client, who waits, would be answered that it had not waited.</summary>
    [Fact]
    public async Task Repeat_CallThatSilosCancel_IsNotTakenForTheCallersCancellation()
    {
        var silent = await Assert.ThrowsAsync<TimeoutException>(() => _cluster.Repeat(() => Task.FromException<int>(new OperationCanceledException()), Cancellation));
        Assert.Equal("cluster_unavailable", FailureResponses.Of(silent).Body.Code);

        using var caller = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _cluster.Repeat(async () =>
        {
            await caller.CancelAsync();
            return await Task.FromException<int>(new OperationCanceledException());
        }, caller.Token));
    }

    [Fact]
    public async Task Repeat_FailureThatDoesNotPass_IsThrownAtOnce()
    {
        var calls = 0;
        await Assert.ThrowsAsync<InvalidOperationException>(() => _cluster.Repeat(() =>
        {
            calls++;
            return Task.FromException<int>(new InvalidOperationException());
        }, Cancellation));
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task Repeat_BeforeTheClusterIsThere_IsAFailureThatPasses()
    {
        var failure = await Assert.ThrowsAsync<ClusterNotReadyException>(() => _cluster.Repeat(() => _cluster.Dispatcher.GetWorkers(), Cancellation));
        Assert.True(ClusterCalls.IsTransient(failure, Cancellation));
    }

    [Fact]
    public async Task Resume_SourceThatBreaksOften_GivesEachElementOnce()
    {
        var next = 0;
        var opened = 0;
        await foreach (var element in _cluster.Resume(() => From(next, ++opened % 3, Cancellation), Cancellation))
        {
            Assert.Equal(next, element);
            next++;
        }
        Assert.Equal(10, next);
        Assert.True(opened > 3);
    }

    /// <summary>Numbers up to 9; after so many the silo is gone (0: before the first).</summary>
    private static async IAsyncEnumerable<int> From(int first, int breaksAfter, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (var i = first; i < 10; i++)
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            if (i - first == breaksAfter) throw (i % 2 == 0 ? new EnumerationAbortedException() : new OperationCanceledException());
            yield return i;
        }
    }

    [Fact]
    public async Task Resume_SourceThatNeverOpens_GivesUpAfterAMinute()
    {
        var opened = 0;
        await Assert.ThrowsAsync<EnumerationAbortedException>(async () =>
        {
            await foreach (var _ in _cluster.Resume(Open, Cancellation)) Assert.Fail("There is no element.");
        });
        Assert.InRange(opened, 10, 60); // the clock goes on by some seconds an attempt

        IAsyncEnumerable<int> Open()
        {
            opened++;
            return From(0, 0, Cancellation);
        }
    }

    /// <summary>Orleans' exceptions have no common base.</summary>
    [Theory]
    [InlineData(typeof(SiloUnavailableException))]
    [InlineData(typeof(OrleansMessageRejectionException))]
    [InlineData(typeof(GatewayTooBusyException))]
    [InlineData(typeof(ClientNotAvailableException))]
    [InlineData(typeof(EnumerationAbortedException))]
    [InlineData(typeof(Orleans.Runtime.Messaging.ConnectionFailedException))]
    [InlineData(typeof(Orleans.Storage.InconsistentStateException))]
    [InlineData(typeof(TimeoutException))]
    public void IsTransient_WhatASilosEndMayThrow_Is(Type exception) =>
        Assert.True(ClusterCalls.IsTransient((Exception)RuntimeHelpers.GetUninitializedObject(exception), Cancellation));

    /// <summary>Waits end at once, and the clock goes on by a second a look.</summary>
    private sealed class ImpatientTime(TimeProvider clock) : TimeProvider
    {
        public override long TimestampFrequency => clock.TimestampFrequency;

        public override long GetTimestamp() => clock.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }

    public class NotConnected : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => throw new ArgumentException("Could not find an implementation.");
    }
}
