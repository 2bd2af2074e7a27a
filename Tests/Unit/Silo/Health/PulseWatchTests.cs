using System.Reflection;
using Emu3.Grains.Interfaces;
using Emu3.Silo.Health;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Emu3.Tests.Unit.Silo.Health;

[Trait("Suite", "Fast")]
public sealed class PulseWatchTests
{
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silo_ThatCannotActivateGrains_IsNotReady_AndIsLostAfterMinutes()
    {
        var grains = DispatchProxy.Create<IGrainFactory, Factory>();
        var pulse = new Beats();
        ((Factory)(object)grains).Pulse = pulse;
        using var watch = new PulseWatch(grains, _time, NullLogger<PulseWatch>.Instance);

        await watch.LookAsync(Cancellation);
        Assert.Equal((HealthStatus.Healthy, HealthStatus.Healthy), await AskAsync(watch));

        pulse.Failure = new ArgumentException("The earliest collection that can be scheduled from now is for later");
        await watch.LookAsync(Cancellation);
        Assert.Equal((HealthStatus.Unhealthy, HealthStatus.Healthy), await AskAsync(watch));
        Assert.Contains("earliest collection", watch.Reason, StringComparison.Ordinal);

        _time.Advance(TimeSpan.FromMinutes(3));
        await watch.LookAsync(Cancellation);
        Assert.Equal((HealthStatus.Unhealthy, HealthStatus.Unhealthy), await AskAsync(watch));

        pulse.Failure = null;
        await watch.LookAsync(Cancellation);
        pulse.Failure = new TimeoutException(); // once is a busy machine
        await watch.LookAsync(Cancellation);
        Assert.Equal((HealthStatus.Healthy, HealthStatus.Healthy), await AskAsync(watch));
        await watch.LookAsync(Cancellation);
        Assert.Equal((HealthStatus.Unhealthy, HealthStatus.Healthy), await AskAsync(watch));

        pulse.Failure = null;
        await watch.LookAsync(Cancellation);
        Assert.Equal((HealthStatus.Healthy, HealthStatus.Healthy), await AskAsync(watch));
    }

    private static async Task<(HealthStatus Ready, HealthStatus Live)> AskAsync(PulseWatch watch)
    {
        var context = new HealthCheckContext();
        return ((await new PulseCheck(watch).CheckHealthAsync(context, Cancellation)).Status, (await new LostPulseCheck(watch).CheckHealthAsync(context, Cancellation)).Status);
    }

    private sealed class Beats : IPulse
    {
        public Exception? Failure { get; set; }

        public Task Beat() => Failure is null ? Task.CompletedTask : Task.FromException(Failure);
    }

    public class Factory : DispatchProxy
    {
        public IPulse? Pulse { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => Pulse;
    }
}
