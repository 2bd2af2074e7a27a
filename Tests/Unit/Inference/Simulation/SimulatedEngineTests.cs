using System.Diagnostics;
using Emu3.Inference;
using Emu3.Inference.Simulation;
using Emu3.Inference.Vision;
using Microsoft.Extensions.Time.Testing;

namespace Emu3.Tests.Unit.Inference.Simulation;

[Trait("Suite", "Fast")]
public sealed class SimulatedEngineTests
{
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Picture_ResumedAnywhere_IsTheSame()
    {
        await using var engine = Create(new() { TimePerToken = TimeSpan.Zero, StepTokens = 5 });
        var whole = await RunAsync(engine, Image(7));
        var tokens = TokensOf(whole);
        Assert.Equal((5 * 4) + 3, tokens.Length);
        for (var kept = 0; kept <= tokens.Length; kept++)
        {
            var rest = await RunAsync(engine, Image(7) with { Generated = tokens[..kept] });
            Assert.Equal(tokens[kept..], TokensOf(rest));
            Assert.Equal(whole.OfType<EngineEvent.PictureDecoded>().Single().Rgb, rest.OfType<EngineEvent.PictureDecoded>().Single().Rgb);
        }

        Assert.NotEqual(tokens, TokensOf(await RunAsync(engine, Image(8))));
        Assert.NotEqual(tokens, TokensOf(await RunAsync(engine, Image(7) with { SampleIndex = 1 })));
    }

    [Fact]
    public async Task Picture_IsOneThatFilesAreMadeOf()
    {
        await using var engine = Create(new() { TimePerToken = TimeSpan.Zero });
        var drawn = (await RunAsync(engine, Image(7))).OfType<EngineEvent.PictureDecoded>().Single();
        Assert.Equal((32, 32), (drawn.Width, drawn.Height));
        var read = PictureFiles.Decode(PictureFiles.Encode(new(drawn.Width, drawn.Height, drawn.Rgb), PictureFormat.Png, 100), 10_000);
        Assert.Equal(drawn.Rgb, read.Rgb);
        Assert.NotEqual(drawn.Rgb[..3], drawn.Rgb[24..27]);
        Assert.Equal(drawn.Rgb[..96], drawn.Rgb[(96 * 7)..(96 * 8)]);
        Assert.NotEqual(drawn.Rgb[..96], drawn.Rgb[(96 * 8)..(96 * 9)]);
    }

    [Fact]
    public async Task TokensOfAnother_AreFoundOut()
    {
        await using var engine = Create(new() { TimePerToken = TimeSpan.Zero });
        var tokens = TokensOf(await RunAsync(engine, Image(7)));
        var mixed = await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(engine, Image(8) with { Generated = tokens[..4] }));
        Assert.Contains("Token 0", mixed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GuidedPicture_TakesTwoSlots_AndNobodyOvertakesIt()
    {
        await using var engine = Create(new() { SlotCount = 2, TimePerToken = TimeSpan.FromSeconds(1) });
        using var first = new CancellationTokenSource();
        var one = RunAsync(engine, Image(1), first.Token);
        var guided = RunAsync(engine, Image(2) with { GuidanceScale = 3 });
        var last = RunAsync(engine, Image(3));
        Assert.Equal((1, 1, 2), (engine.Load.RunningCount, engine.Load.FreeSlotCount, engine.Load.WaitingCount));
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        Assert.Equal((1, 0, 1), (engine.Load.RunningCount, engine.Load.FreeSlotCount, engine.Load.WaitingCount));
        await PassUntilAsync(guided);
        await PassUntilAsync(last);
        Assert.Equal((0, 2, 0), (engine.Load.RunningCount, engine.Load.FreeSlotCount, engine.Load.WaitingCount));
    }

    [Fact]
    public async Task Cancelled_WhileItWaits_LeavesTheQueue()
    {
        await using var engine = Create(new() { SlotCount = 2, TimePerToken = TimeSpan.FromSeconds(1) });
        using var impatient = new CancellationTokenSource();
        var one = RunAsync(engine, Image(1));
        var guided = RunAsync(engine, Image(2) with { GuidanceScale = 3 }, impatient.Token);
        var last = RunAsync(engine, Image(3));
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => guided);
        Assert.Equal((2, 0, 0), (engine.Load.RunningCount, engine.Load.FreeSlotCount, engine.Load.WaitingCount));
        await PassUntilAsync(Task.WhenAll(one, last));
    }

    [Fact]
    public async Task Time_PassesByTheStep()
    {
        await using var engine = Create(new() { TimePerToken = TimeSpan.FromMilliseconds(10), StepTokens = 4, DecodeTime = TimeSpan.FromSeconds(1) });
        var began = _time.GetTimestamp();
        await PassUntilAsync(RunAsync(engine, Image(1)));
        Assert.InRange(_time.GetElapsedTime(began), TimeSpan.FromSeconds(1.23), TimeSpan.FromSeconds(1.35));
    }

    [Fact]
    public async Task DisposedOf_UnderARequest_TellsIt()
    {
        var engine = Create(new() { TimePerToken = TimeSpan.FromSeconds(1) });
        var running = RunAsync(engine, Image(1));
        await engine.DisposeAsync();
        await Assert.ThrowsAsync<EngineStoppedException>(() => running);
        await Assert.ThrowsAsync<EngineStoppedException>(() => RunAsync(engine, Image(1)));
    }

    [Fact]
    public async Task Chat_GivesAPieceForEachToken()
    {
        await using var engine = Create(new() { TimePerToken = TimeSpan.Zero });
        var events = await RunAsync(engine, new ChatRequest
        {
            Id = "chat",
            Sampling = SamplingSettings.Greedy,
            Seed = 1,
            MaxNewTokens = 10,
            Messages = [new(ChatRole.User, [new ChatPart.Text("what is that")])],
        });
        Assert.Equal("w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 ", string.Concat(events.OfType<EngineEvent.TokensGenerated>().SelectMany(tokens => tokens.Pieces!)));
        Assert.Equal(new EngineEvent.Finished(FinishReason.Length, new(9, 0, 10)), events[^1]);
    }

    [Fact]
    public async Task Chat_WithAStop_EndsBeforeItWhereverItIsResumed()
    {
        await using var engine = Create(new() { TimePerToken = TimeSpan.Zero, StepTokens = 4 });
        var request = new ChatRequest
        {
            Id = "chat",
            Sampling = SamplingSettings.Greedy,
            Seed = 1,
            MaxNewTokens = 10,
            Messages = [new(ChatRole.User, [new ChatPart.Text("what is that")])],
            Stop = ["w5 w6", "w9"],
        };
        var whole = await RunAsync(engine, request);
        var pieces = whole.OfType<EngineEvent.TokensGenerated>().SelectMany(tokens => tokens.Pieces!).ToArray();
        Assert.Equal(["w0 ", "w1 ", "w2 ", "w3 ", "w4 ", "", ""], pieces);
        Assert.Equal(new EngineEvent.Finished(FinishReason.Stop, new(9, 0, 7)), whole[^1]);
        for (var kept = 0; kept <= 7; kept++)
        {
            var rest = await RunAsync(engine, request with { Generated = TokensOf(whole)[..kept] });
            Assert.Equal(pieces[kept..], rest.OfType<EngineEvent.TokensGenerated>().SelectMany(tokens => tokens.Pieces!));
            Assert.Equal(whole[^1], rest[^1]);
        }

        Assert.Equal("w0 w1 w2 w3 w4 w5 w6 w", string.Concat((await RunAsync(engine, request with { Stop = ["7"] }))
            .OfType<EngineEvent.TokensGenerated>().SelectMany(tokens => tokens.Pieces!)));
        var behind = TokensOf(await RunAsync(engine, request with { Stop = [] }));
        await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(engine, request with { Generated = behind }));
    }

    [Fact]
    public async Task Measure_RefusesWhatDoesNotFit_AsRunDoes()
    {
        await using var engine = Create(new() { MaxPositions = 30, TimePerToken = TimeSpan.Zero });
        Assert.Null(engine.Measure(Image(1)).Failure);
        var long1 = Image(1) with { Prompt = "one word more" };
        Assert.Equal(EngineFailureCode.PromptTooLong, engine.Measure(long1).Failure!.Code);
        Assert.Equal(engine.Measure(long1).Failure, ((EngineEvent.Failed)(await RunAsync(engine, long1)).Single()).Failure);
    }

    [Fact]
    public async Task AThousandEngines_FitOneProcess()
    {
        var engines = Enumerable.Range(0, 1000).Select(_ => new SimulatedEngine(
            new() { Kind = EngineOptions.Simulated }, new() { TimePerToken = TimeSpan.FromMilliseconds(2), StepTokens = 12 }, TimeProvider.System)).ToList();
        var threads = Process.GetCurrentProcess().Threads.Count;
        var runs = engines.SelectMany((engine, number) => Enumerable.Range(0, 4).Select(item => RunAsync(engine, Image((ulong)((4 * number) + item))))).ToList();
        await Task.WhenAll(runs);
        Assert.True(Process.GetCurrentProcess().Threads.Count < threads + 100, "they have threads of their own");
        Assert.All(engines, engine => Assert.Equal(4 * 23, engine.Load.GeneratedTokenCount));
    }

    private SimulatedEngine Create(SimulationOptions options) => new(new() { Kind = EngineOptions.Simulated }, options, _time);

    /// <summary>Lets time go on until a task has ended.</summary>
    private async Task PassUntilAsync(Task task)
    {
        while (!task.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Yield();
        }

        await task;
    }

    private static ImageRequest Image(ulong seed) => new()
    {
        Id = $"image {seed}",
        Sampling = SamplingSettings.Greedy,
        Seed = seed,
        Prompt = "word",
        NegativePrompt = "",
        GuidanceScale = 1,
        LatentHeight = 4,
        LatentWidth = 4,
    };

    private static int[] TokensOf(IEnumerable<EngineEvent> events) => [.. events.OfType<EngineEvent.TokensGenerated>().SelectMany(tokens => tokens.Ids)];

    private static async Task<List<EngineEvent>> RunAsync(SimulatedEngine engine, GenerationRequest request, CancellationToken? cancellationToken = null)
    {
        var events = new List<EngineEvent>();
        await foreach (var happened in engine.Run(request, cancellationToken ?? Cancellation)) events.Add(happened);
        return events;
    }
}
