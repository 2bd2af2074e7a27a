using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Emu3.Inference;
using Emu3.Inference.Engine;
using Emu3.Inference.Vision;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emu3.Tests.Unit.Inference.Engine;

/// <summary>Pictures beside the passes: what goes on meanwhile, and what happens when their request ends first, they fail, or the engine stops.</summary>
[Trait("Suite", "Fast")]
public sealed class PictureWorkerTests : IDisposable
{
    private HeldVision? _wrapped;

    private HeldVision Vision => _wrapped!;

    private static byte[] Scene => File.ReadAllBytes(Repository.PathTo("Tests", "Golden", "fixtures", "tiny-a", "images", "scene0.png"));

    public void Dispose() => _wrapped?.Dispose();

    [Fact]
    public async Task Run_WhileAPictureIsDecoded_OthersAreAdmittedAndFinish()
    {
        await using var engine = await LoadAsync(options => options.ParallelDecoding = false); // a step a token
        var held = Vision.Hold();
        var picture = engine.AllAsync(TestEngines.Image(2, 3));
        await held;
        var steps = engine.Load.StepCount;
        Assert.Equal(5, (await engine.AllAsync(TestEngines.Chat("Hello", 5))).Ids().Length);
        Assert.True(engine.Load.StepCount >= steps + 5);
        Assert.False(picture.IsCompleted);

        Vision.Release();
        var events = await picture;
        Assert.IsType<EngineEvent.PictureDecoded>(events[^2]);
        Assert.IsType<EngineEvent.Finished>(events[^1]);
        Assert.All(Vision.Threads, name => Assert.Equal("pictures", name));
    }

    [Fact]
    public async Task Run_WhileAQuestionsPictureIsEncoded_OthersAreAdmittedAndFinish()
    {
        await using var engine = await LoadAsync();
        var held = Vision.Hold();
        var question = engine.AllAsync(TestEngines.Chat("What is it?", 5, Scene, Scene));
        await held;
        Assert.Equal(5, (await engine.AllAsync(TestEngines.Chat("Hello", 5))).Ids().Length);
        Assert.Equal((0, 1), (engine.Load.RunningCount, engine.Load.WaitingCount)); // it waits for its pictures, as others for slots
        Vision.Release();
        var events = await question;
        Assert.IsType<EngineEvent.Admitted>(events[0]);
        Assert.True(Assert.IsType<EngineEvent.Finished>(events[^1]).Usage.PromptImageTokens > 0);
    }

    /// <summary>The same codes and the same bytes, whoever computes them and whatever runs beside.</summary>
    [Fact]
    public async Task Run_BesideOrBetweenThePasses_GivesTheSame()
    {
        GenerationRequest[] requests =
        [
            .. Enumerable.Range(0, 6).Select(i => TestEngines.Image(1 + i, 4, seed: (ulong)i, guidance: 1 + i % 2)), TestEngines.Chat("What is it?", 8, Scene),
            TestEngines.Image(4, 3, generated: []) with { IsPreview = true },
        ];
        var found = new List<List<string>>();
        foreach (var (pictureThreads, alwaysBeside) in ((int, bool)[])[(0, false), (1, false), (1, true), (3, true)])
        {
            await using var engine = await LoadAsync(options => (options.PictureThreads, options.PicturesAlwaysBeside) = (pictureThreads, alwaysBeside));
            var events = await Task.WhenAll(requests.Select(request => engine.AllAsync(request)));
            found.Add([.. events.Select(all => string.Join(",", all.Ids()) + Convert.ToHexString(all.OfType<EngineEvent.PictureDecoded>().SelectMany(picture => picture.Rgb).ToArray()))]);
            Assert.True(pictureThreads > 0 || Vision.Threads.All(name => name == "engine cpu"));
            Assert.True(!alwaysBeside || Vision.Threads.All(name => name == "pictures"));
        }
        Assert.All(found, other => Assert.Equal(found[0], other));
    }

    /// <summary>A lone picture saves the way to another thread; when passes come, it goes on beside them, and comes out the same.</summary>
    [Fact]
    public async Task Run_PassesComeWhileALonePictureIsDecoded_ItGoesOnBesideThem()
    {
        await using var engine = await LoadAsync(options => options.PicturesAlwaysBeside = false);
        var alone = await engine.AllAsync(TestEngines.Image(2, 3));
        Assert.All(Vision.Threads, name => Assert.Equal("engine cpu", name));
        var held = Vision.Hold();
        var picture = engine.AllAsync(TestEngines.Image(2, 3));
        await held; // by its first piece, on the engine's thread
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var other = Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in engine.Run(TestEngines.Image(40, 40, guidance: 2), end.Token)) { }
        });
        Vision.Release();
        Assert.Equal(((EngineEvent.PictureDecoded)alone[^2]).Rgb, Assert.IsType<EngineEvent.PictureDecoded>((await picture)[^2]).Rgb);
        Assert.Contains("pictures", Vision.Threads);
        await end.CancelAsync();
        await other;
        Assert.Equal(0, Vision.OpenCount);
    }

    [Fact]
    public async Task Cancel_WhileItsPictureIsDecoded_EndsAtOnceAndTheNextPictureComes()
    {
        await using var engine = await LoadAsync();
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var held = Vision.Hold();
        var cancelled = Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in engine.Run(TestEngines.Image(2, 3), cancellation.Token)) { }
        });
        await held;
        var next = engine.AllAsync(TestEngines.Image(3, 2));
        await cancellation.CancelAsync();
        await cancelled; // though the piece still waits
        Vision.Release();
        Assert.IsType<EngineEvent.Finished>((await next)[^1]);
        Assert.Equal(0, Vision.OpenCount);
    }

    [Fact]
    public async Task Cancel_WhileItsPictureIsEncoded_TakesNoSlot()
    {
        await using var engine = await LoadAsync();
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var held = Vision.Hold();
        var cancelled = Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in engine.Run(TestEngines.Chat("What is it?", 5, Scene), cancellation.Token)) { }
        });
        await held;
        await cancellation.CancelAsync();
        await cancelled;
        Vision.Release();
        Assert.IsType<EngineEvent.Finished>((await engine.AllAsync(TestEngines.Chat("What is it?", 5, Scene)))[^1]);
        Assert.Equal(engine.Load.SlotCount, engine.Load.FreeSlotCount);
        Assert.Equal(0, Vision.OpenCount);
    }

    [Fact]
    public async Task Dispose_WhileAPictureIsDecodedAndOthersWait_TellsAllThatTheEngineStopped()
    {
        var engine = await LoadAsync();
        var held = Vision.Hold();
        Task[] running = [.. Enumerable.Range(0, 3).Select(i => Assert.ThrowsAsync<EngineStoppedException>(() => engine.AllAsync(TestEngines.Image(2, 3, seed: (ulong)i))))];
        await held;
        var disposal = engine.DisposeAsync();
        Vision.Release();
        await disposal;
        await Task.WhenAll(running);
        Assert.Equal(0, Vision.OpenCount);
    }

    [Theory, InlineData(0), InlineData(1)]
    public async Task Run_ADecodeThatThrows_FailsItsRequestOnly(int pictureThreads)
    {
        await using var engine = await LoadAsync(options => options.PictureThreads = pictureThreads);
        Vision.FailWith(new InvalidOperationException("a broken kernel"));
        var failed = Assert.IsType<EngineEvent.Failed>((await engine.AllAsync(TestEngines.Image(2, 3)))[^1]).Failure;
        Assert.Equal(EngineFailureCode.NotSupported, failed.Code);
        Assert.Contains("a broken kernel", failed.Message, StringComparison.Ordinal);
        Vision.FailWith(new InsufficientMemoryException());
        failed = Assert.IsType<EngineEvent.Failed>((await engine.AllAsync(TestEngines.Chat("What is it?", 5, Scene)))[^1]).Failure;
        Assert.Equal(EngineFailureCode.DeviceOutOfMemory, failed.Code);
        Assert.IsType<EngineEvent.Finished>((await engine.AllAsync(TestEngines.Image(2, 3)))[^1]);
        Assert.Equal(0, Vision.OpenCount);
    }

    /// <summary>While no pass runs, the threads of the passes compute, where they are more; as soon as passes come, the picture's own.</summary>
    [Fact]
    public async Task Pieces_UseTheThreadsOfThePasses_OnlyWhileNoneRuns()
    {
        var threads = new CountedThreads();
        using var vision = new HeldVision(new PiecesOfNothing());
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var worker = new PictureWorker(vision, threads, _ => done.SetResult());
        var running = new RunningRequest(TestEngines.Image(), new PreparedRequest([], null, []));
        worker.BeginPasses();
        var held = vision.Hold();
        worker.Add(new DecodingTask(running, [0], 1, 1));
        await held;
        Assert.Equal([false], threads.Used);
        worker.EndPasses();
        vision.Release();
        await done.Task;
        Assert.True(threads.Used[^1]);
        worker.BeginPasses(); // no piece runs: nothing to wait for
    }

    [Fact]
    public async Task DecodeDuration_IsMeasuredBesideThePasses()
    {
        using var meters = new KeptMeters();
        var durations = new ConcurrentQueue<double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (meters.Made.Contains(instrument.Meter) && instrument.Name == "emu3.engine.decode.duration")
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => durations.Enqueue(seconds));
        listener.Start();
        var options = new EngineOptions { Model = TestEngines.TinyA, Threads = 1, PictureThreads = 1, SlotCount = 2 };
        await using var engine = await Emu3Engine.LoadAsync(options, NullLoggerFactory.Instance, meters, progress: null, TestContext.Current.CancellationToken);
        await engine.AllAsync(TestEngines.Image(2, 3));
        Assert.True(Assert.Single(durations) > 0);
    }

    private async Task<Emu3Engine> LoadAsync(Action<EngineOptions>? configure = null) => await TestEngines.LoadAsync(TestEngines.TinyA, options =>
    {
        (options.PictureThreads, options.PicturesAlwaysBeside) = (1, true);
        configure?.Invoke(options);
    }, vision => _wrapped = new HeldVision(vision));

    private sealed class KeptMeters : IMeterFactory
    {
        public ConcurrentBag<Meter> Made { get; } = [];

        public Meter Create(MeterOptions options)
        {
            var meter = new Meter(options);
            Made.Add(meter);
            return meter;
        }

        public void Dispose() { }
    }

    private sealed class CountedThreads : IPictureThreads
    {
        public List<bool> Used { get; } = [];

        public bool PassesHaveMore => true;

        public void Use(bool ofPasses) => Used.Add(ofPasses);
    }

    /// <summary>A picture of two pieces that compute nothing.</summary>
    private sealed class PiecesOfNothing : IVisionTokenizer
    {
        public IStillEncoding BeginEncoding(Picture fitted) => throw new NotSupportedException();

        public IStillDecoding BeginStill(ReadOnlySpan<int> codes, int height, int width) => new Two();

        public void Dispose() { }

        private sealed class Two : IStillDecoding
        {
            private int count;

            public Picture Picture { get; } = new(1, 1, new byte[3]);

            public bool Advance() => ++count == 2;

            public void Dispose() { }
        }
    }
}
