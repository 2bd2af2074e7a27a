using System.Diagnostics.Metrics;
using Emu3.Grains.Canaries;
using Emu3.Grains.Interfaces;
using Emu3.Grains.Workers;
using Emu3.Inference;
using Emu3.Tests.Cluster;
using Emu3.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Emu3.Tests.Unit.Grains.Canaries;

[Trait("Suite", "Fast")]
public sealed class CanaryTests : IDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(10);

    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly CountedMetrics _counted;
    private readonly Board _board = new();
    private bool _isIdle = true;

    public CanaryTests() => _counted = new(_services.GetRequiredService<IMeterFactory>());

    public void Dispose()
    {
        _counted.Dispose();
        _services.Dispose();
    }

    [Fact]
    public async Task Begin_OnADeviceThatComputesTheSame_CountsAMatch()
    {
        await MakeAsync(_board, "a", new FakeEngine());
        Canary("b", new FakeEngine()).Begin();

        await _counted.Reaches("emu3.canary.matches", 1);
        Assert.Equal(0, _counted["emu3.canary.mismatches"]);
    }

    [Fact]
    public async Task Begin_OnADeviceThatComputesWrongly_CountsAMismatch()
    {
        await MakeAsync(_board, "a", new FakeEngine());
        Canary("b", new FakeEngine(new() { Corrupt = (_, index, token) => index == 40 ? token ^ 1 : token })).Begin();

        await _counted.Reaches("emu3.canary.mismatches", 1);
        Assert.Equal(0, _counted["emu3.canary.matches"]);
    }

    [Fact]
    public async Task GiveWay_EndsWhatIsBeingMade()
    {
        await MakeAsync(_board, "a", new FakeEngine());
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var engine = new FakeEngine(new() { TimePerToken = TimeSpan.FromMilliseconds(100), OnToken = (_, _) => began.TrySetResult() });
        var canary = Canary("b", engine);
        canary.Begin();
        await began.Task;

        canary.GiveWay();
        await canary.EndAsync();

        Assert.Empty(engine.Finished);
        Assert.Equal(0, _counted["emu3.canary.matches"] + _counted["emu3.canary.mismatches"]);
    }

    [Fact]
    public async Task Begin_HappensOnceInAPeriod_AndOnlyInAnIdleWorker()
    {
        var canary = Canary("b", new FakeEngine());
        _isIdle = false;
        canary.Begin();
        await WaitAsync(canary);
        Assert.Equal(0, _board.DrawCount);

        _isIdle = true;
        canary.Begin();
        await WaitAsync(canary);
        canary.Begin();
        await WaitAsync(canary);
        Assert.Equal(1, _board.DrawCount);

        _time.Advance(s_period);
        canary.Begin();
        await WaitAsync(canary);
        Assert.Equal(2, _board.DrawCount);
    }

    [Fact]
    public void Offer_PostsOncePerPeriod_WhatIsAllOfOneDevicesMaking()
    {
        var canary = Canary("b", new FakeEngine());
        canary.Offer("job/0", TestJobs.Chat(0, 8), Result());
        canary.Offer("job/1", TestJobs.Image(1), Result() with { ResumedTokens = 4 });
        canary.Offer("job/2", TestJobs.Image(2), Result() with { IsReproducible = false });
        canary.Offer("job/3", TestJobs.Image(3, prompt: new string('x', 5000)), Result());
        Assert.Empty(_board.Posted);

        canary.Offer("job/4", TestJobs.Image(4), Result());
        canary.Offer("job/5", TestJobs.Image(5), Result());
        _time.Advance(s_period);
        canary.Offer("job/6", TestJobs.Image(6), Result());

        Assert.Equal([("job/4", "b"), ("job/6", "b")], _board.Posted.Select(picture => (picture.Item, picture.Device)));
    }

    /// <summary>Completes when what was begun has ended by itself: it finds nothing.</summary>
    private static Task WaitAsync(Canary canary) => canary.EndAsync();

    private Canary Canary(string device, FakeEngine engine) => new(
        device, engine, _board, s_period, () => _isIdle, stopped => throw stopped,
        new WorkerMetrics(_services.GetRequiredService<IMeterFactory>(), "fake"), _time, NullLogger.Instance);

    /// <summary>A device makes a picture, and the board hears of it.</summary>
    private static async Task MakeAsync(Board board, string device, FakeEngine engine)
    {
        var spec = TestJobs.Image(7);
        var tokens = new List<int>();
        await foreach (var happened in engine.Run(ItemRequests.From("made", spec, new Dictionary<string, byte[]>(), []), TestContext.Current.CancellationToken))
            if (happened is EngineEvent.TokensGenerated generated) tokens.AddRange(generated.Ids);
        await board.Post(new("job/7", spec, TokensHash.Of(tokens), device));
    }

    private static ItemResult Result() => new()
    {
        FileHash = [],
        FileBytes = 1,
        PromptTokens = 1,
        PromptImageTokens = 0,
        GeneratedTokens = 75,
        TokensHash = [1],
        CameToItsEnd = true,
        NumericClass = "fake class",
        IsReproducible = true,
        ResumedTokens = 0,
    };

    private sealed class Board : ICanaryBoard
    {
        private readonly RecentPictures _pictures = new();

        public List<CanaryPicture> Posted { get; } = [];
        public int DrawCount { get; private set; }

        public Task Post(CanaryPicture picture)
        {
            Posted.Add(picture);
            _pictures.Post(picture);
            return Task.CompletedTask;
        }

        public Task<CanaryPicture?> Draw(string device)
        {
            DrawCount++;
            return Task.FromResult(_pictures.Draw(device));
        }
    }
}
