using System.Threading.Channels;
using Emu3.Cli.Devices;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Emu3.Tests.Unit.Cli.Devices;

/// <summary>The supervisor with children that a test plays.</summary>
[Trait("Suite", "Fast")]
public sealed class DeviceSupervisorTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Channel<FakeChild> _started = Channel.CreateUnbounded<FakeChild>();
    private readonly List<string> _dead = [];
    private readonly List<string> _told = [];
    private readonly DeviceSupervisor _supervisor;

    public DeviceSupervisorTests()
    {
        _supervisor = new(
            DeviceList.Parse("cuda:0,cuda:1").List!,
            (index, onReport, onLine) =>
            {
                var child = new FakeChild(index, onReport, onLine);
                _started.Writer.TryWrite(child);
                return child;
            },
            new(),
            silo =>
            {
                _dead.Add(silo);
                return Task.CompletedTask;
            },
            _told.Add, _time, NullLogger<DeviceSupervisor>.Instance);
        _supervisor.Start();
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _supervisor.DisposeAsync();

    [Fact]
    public async Task Child_Killed_IsDeclaredDead_AndStartedAgain()
    {
        var children = await NextAsync(2);
        children[0].Report(new(ChildState.Loading, "loading weights", "silo-a"));
        Assert.Equal("0 of 2 devices up, cuda:0 loading weights, cuda:1 starting", _supervisor.Describe());
        children[0].Report(new(ChildState.Ready, null, "silo-a"));
        children[1].Report(new(ChildState.Ready, null, "silo-b"));
        Assert.Equal("2 devices up", _supervisor.Describe());

        children[0].End(137);
        var again = await NextAsync(1);
        Assert.Equal(0, again[0].Index);
        Assert.Equal(["silo-a"], _dead);
        Assert.Equal("1 of 2 devices up, cuda:0 starting", _supervisor.Describe());
        Assert.Empty(_told);
    }

    [Fact]
    public async Task Child_WhoseSiloTheClusterTakesForDead_IsKilled_AndStartedAgain()
    {
        var children = await NextAsync(2);
        children[0].Report(new(ChildState.Ready, null, "silo-a"));
        children[1].Report(new(ChildState.Ready, null, "silo-b"));
        _supervisor.SiloIsDead("silo-of-another-time");
        _supervisor.SiloIsDead("silo-b");
        Assert.True(children[1].IsKilled);
        var again = await NextAsync(1);
        Assert.Equal(1, again[0].Index);
        _supervisor.SiloIsDead("silo-b");
        Assert.False(children[0].IsKilled || again[0].IsKilled);
    }

    [Fact]
    public async Task Devices_ThatCantLoad_AreGivenUp_AndTheReasonIsTold()
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            foreach (var child in await NextAsync(2))
            {
                child.Report(new(ChildState.Failed, "The shard is missing."));
                child.End(3);
            }
        }

        await WaitForAsync(_supervisor.Ended);
        Assert.Equal("cuda:0, cuda:1 can't be used: The shard is missing.", _supervisor.EndReason);
        Assert.Equal(2, _told.Count);
        Assert.Equal("0 of 2 devices up, cuda:0 given up, cuda:1 given up", _supervisor.Describe());
    }

    [Fact]
    public async Task OneDevice_GivenUp_LeavesTheOthersAtWork()
    {
        var children = await NextAsync(2);
        children.Single(child => child.Index == 0).Report(new(ChildState.Ready, null, "silo-a"));
        var broken = children.Single(child => child.Index == 1);
        for (var attempt = 0; attempt < 3; attempt++)
        {
            // It reports nothing: a native library took the process down.
            broken.Line("CUDA error: no kernel image is available");
            broken.End(134);
            broken = attempt < 2 ? (await NextAsync(1))[0] : broken;
        }

        while (_told.Count == 0) await Task.Delay(1, Cancellation);
        Assert.Contains("was ended by signal 6: CUDA error: no kernel image is available", _told[0]);
        Assert.False(_supervisor.Ended.IsCancellationRequested);
        Assert.Equal("1 of 2 devices up, cuda:1 given up", _supervisor.Describe());
    }

    [Fact]
    public async Task Dispose_DrainsAllAtOnce_AndKillsThoseThatTakeTooLong()
    {
        var children = await NextAsync(2);
        children[1].IsStubborn = true;
        var disposing = _supervisor.DisposeAsync();
        await Task.WhenAll(children.Select(child => child.Drained)).WaitAsync(Cancellation);
        while (!disposing.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, Cancellation);
        }

        await disposing;
        Assert.False(children[0].IsKilled);
        Assert.True(children[1].IsKilled);
        Assert.False(_started.Reader.TryRead(out _));
        Assert.Empty(_dead);
    }

    /// <summary>Children that are started from now on, in the order of their devices; waits of the supervisor pass.</summary>
    private async Task<List<FakeChild>> NextAsync(int count)
    {
        var children = new List<FakeChild>();
        while (children.Count < count)
        {
            if (_started.Reader.TryRead(out var child))
            {
                children.Add(child);
                continue;
            }

            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, Cancellation);
        }

        return [.. children.OrderBy(child => child.Index)];
    }

    private static async Task WaitForAsync(CancellationToken signal)
    {
        var fired = new TaskCompletionSource();
        await using var registration = signal.Register(fired.SetResult);
        await fired.Task.WaitAsync(Cancellation);
    }

    private sealed class FakeChild(int index, Action<ChildReport> onReport, Action<string> onLine) : IChild
    {
        private readonly TaskCompletionSource<ChildExit> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _drained = new();
        private string? _lastLine;

        public int Index => index;
        public int ProcessId => 1 + index;
        public Task<ChildExit> Ended => _ended.Task;
        public Task Drained => _drained.Task;
        public bool IsStubborn { get; set; }
        public bool IsKilled { get; private set; }

        public void Report(ChildReport report) => onReport(report);

        public void Line(string line) => onLine(_lastLine = line);

        public void End(int code) => _ended.TrySetResult(new(code, _lastLine));

        public void Drain()
        {
            _drained.TrySetResult();
            if (!IsStubborn) End(0);
        }

        public void Kill()
        {
            IsKilled = true;
            End(137);
        }
    }
}
