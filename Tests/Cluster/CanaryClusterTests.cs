using System.Diagnostics.Metrics;
using Emu3.Grains.Workers;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Emu3.Tests.Cluster;

/// <summary>Idle workers make pictures of each other again.</summary>
[Trait("Suite", "Cluster")]
public sealed class CanaryClusterTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ADeviceThatComputesWrongly_IsNamedBesideTheOther()
    {
        await using var cluster = await StartAsync(new() { Corrupt = (_, index, token) => index == 20 ? token ^ 1 : token });
        using var counted = new CountedMetrics(cluster.SiloServices.GetRequiredService<IMeterFactory>());
        using var errors = new Errors();
        cluster.SiloServices.GetRequiredService<ILoggerFactory>().AddProvider(errors);

        await SubmitUntilAsync(cluster, counted.Reaches("emu3.canary.mismatches", 1));

        var error = await errors.First.WaitAsync(TimeSpan.FromMinutes(2), Cancellation);
        Assert.StartsWith("Item job_", error, StringComparison.Ordinal);
        Assert.Contains("node/simulated:0", error, StringComparison.Ordinal);
        Assert.Contains("node/simulated:1", error, StringComparison.Ordinal);
        Assert.Contains("fake class", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DevicesThatComputeTheSame_OnlyMatch()
    {
        await using var cluster = await StartAsync(new());
        using var counted = new CountedMetrics(cluster.SiloServices.GetRequiredService<IMeterFactory>());

        var count = await SubmitUntilAsync(cluster, counted.Reaches("emu3.canary.matches", 3));

        Assert.Equal(0, counted["emu3.canary.mismatches"]);
        await counted.Reaches("emu3.jobs.ended{status=Completed}", count).WaitAsync(s_patience, Cancellation);
        await counted.Reaches("emu3.items.completed{model_name=fake}", 2 * count).WaitAsync(s_patience, Cancellation);
        Assert.Equal(2 * count, counted["emu3.items.completed"]); // what was made again is nobody's item
    }

    /// <summary>Jobs of two pictures, one after the other: which pictures are told to the board, and which are given up, is chance. Returns how many.</summary>
    private static async Task<int> SubmitUntilAsync(EmbeddedCluster cluster, Task reached)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(s_patience);
        var count = 0;
        while (!reached.IsCompleted)
        {
            var job = await cluster.Client.SubmitAsync([TestJobs.Image(2 * count), TestJobs.Image((2 * count) + 1)]);
            await cluster.Client.WatchToEndAsync(job, patience.Token);
            count++;
            await Task.WhenAny(reached, Task.Delay(500, patience.Token)); // they are idle for a while
        }

        return count;
    }

    private Task<EmbeddedCluster> StartAsync(FakeEngineOptions second) => EmbeddedCluster.StartAsync(
        _folder.FullPath,
        new FakeEngineOptions(),
        new WorkerOptions
        {
            HostName = "node",
            HeartbeatPeriod = TimeSpan.FromMilliseconds(200),
            AskPeriod = TimeSpan.FromMilliseconds(50),
            CanaryPeriod = TimeSpan.FromMilliseconds(10),
        },
        second: second);

    /// <summary>Completes with the first error that is logged of a picture made again.</summary>
    private sealed class Errors : ILoggerProvider, ILogger
    {
        private readonly TaskCompletionSource<string> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> First => _first.Task;
        public ILogger CreateLogger(string categoryName) => this;
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel == LogLevel.Error && formatter(state, exception) is var text && text.Contains("made again", StringComparison.Ordinal)) _first.TrySetResult(text);
        }

        public void Dispose()
        {
        }
    }
}
