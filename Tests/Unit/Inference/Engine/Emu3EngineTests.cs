using System.Diagnostics;
using Emu3.Inference;
using Emu3.Inference.Cpu;
using Emu3.Inference.Weights;
using Emu3.Tests.Fakes;

namespace Emu3.Tests.Unit.Inference.Engine;

/// <summary>The engine's contract with those who use it, on the smallest checkpoint.</summary>
[Trait("Suite", "Fast")]
public sealed class Emu3EngineTests(Emu3EngineTests.TinyEngine tiny) : IClassFixture<Emu3EngineTests.TinyEngine>
{
    public sealed class TinyEngine : IAsyncLifetime
    {
        public IEngine Engine { get; private set; } = null!;
        public async ValueTask InitializeAsync() => Engine = await TestEngines.LoadAsync(TestEngines.TinyA);
        public ValueTask DisposeAsync() => Engine.DisposeAsync();
    }

    private IEngine Engine => tiny.Engine;

    [Fact]
    public async Task Run_WithinATrace_IsASpanOfIt()
    {
        using var spans = new KeptSpans();
        using var item = new Activity("item").SetParentId(spans.TraceParent).Start();
        await Engine.AllAsync(TestEngines.Image(2, 3));

        var span = Assert.Single(await spans.OfAsync("Emu3.Inference", least: 1));
        Assert.Equal(item.SpanId, span.ParentSpanId);
        Assert.Equal(["admitted", "first token", "picture decoded"], span.Events.Select(happened => happened.Name));
        Assert.Equal(ActivityStatusCode.Ok, span.Status);
    }

    [Fact]
    public async Task Run_Image_TellsEventsInTheirOrder()
    {
        var request = TestEngines.Image(3, 4, guidance: 2);
        var events = await Engine.AllAsync(request);
        Assert.IsType<EngineEvent.Admitted>(events[0]);
        Assert.All(events[1..^2], @event => Assert.IsType<EngineEvent.TokensGenerated>(@event));
        var picture = Assert.IsType<EngineEvent.PictureDecoded>(events[^2]);
        Assert.Equal((8, 6, 3 * 8 * 6), (picture.Width, picture.Height, picture.Rgb.Length)); // 2 pixels a cell
        var finished = Assert.IsType<EngineEvent.Finished>(events[^1]);
        Assert.Equal(3 * 5 + 3, finished.Usage.GeneratedTokens);
        Assert.Equal(finished.Usage.GeneratedTokens, events.Ids().Length);
        var offsets = events.OfType<EngineEvent.TokensGenerated>().ToArray();
        Assert.Equal(offsets.Select((_, i) => offsets[..i].Sum(tokens => tokens.Ids.Length)), offsets.Select(tokens => tokens.Offset));
        Assert.True(Engine.NumericClass.RowInvariant);
    }

    [Fact]
    public async Task Run_ResumedAtEveryToken_GoesOnToTheSamePicture()
    {
        var whole = await Engine.AllAsync(TestEngines.Image(2, 3, seed: 9, guidance: 2));
        var ids = whole.Ids();
        await Task.WhenAll(Enumerable.Range(0, ids.Length + 1).Select(async at =>
        {
            var events = await Engine.AllAsync(TestEngines.Image(2, 3, seed: 9, guidance: 2, generated: ids[..at]));
            Assert.Equal(ids[at..], events.Ids());
            Assert.Equal(at, events.OfType<EngineEvent.TokensGenerated>().FirstOrDefault()?.Offset ?? at);
            Assert.Equal(((EngineEvent.PictureDecoded)whole[^2]).Rgb, Assert.IsType<EngineEvent.PictureDecoded>(events[^2]).Rgb);
            Assert.Equal(whole[^1], events[^1]);
        }));
    }

    [Fact]
    public async Task Run_Preview_DecodesTheRowsSoFarAndGeneratesNothing()
    {
        var ids = (await Engine.AllAsync(TestEngines.Image(4, 3, seed: 9))).Ids();
        var preview = await Engine.AllAsync(TestEngines.Image(4, 3, seed: 9, generated: ids[..8]) with { IsPreview = true });
        // The rows that are missing repeat the last one.
        var repeated = await Engine.AllAsync(TestEngines.Image(4, 3, seed: 9, generated: [.. ids[..8], .. ids[4..8], .. ids[4..8], .. ids[^3..]]));
        Assert.DoesNotContain(preview, happened => happened is EngineEvent.TokensGenerated);
        Assert.Equal(((EngineEvent.PictureDecoded)repeated[^2]).Rgb, Assert.IsType<EngineEvent.PictureDecoded>(preview[^2]).Rgb);
        Assert.Equal(8, Assert.IsType<EngineEvent.Finished>(preview[^1]).Usage.GeneratedTokens);
    }

    [Fact]
    public async Task Run_ChatResumedAtEveryToken_GoesOnWithTheSameText()
    {
        var request = TestEngines.Chat("Tell me a story", maxNewTokens: 10);
        var whole = await Engine.AllAsync(request);
        Assert.Equal(FinishReason.Length, Assert.IsType<EngineEvent.Finished>(whole[^1]).Reason);
        var pieces = whole.OfType<EngineEvent.TokensGenerated>().SelectMany(tokens => tokens.Pieces!).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 10).Select(async at =>
        {
            var events = await Engine.AllAsync(request with { Generated = whole.Ids()[..at] });
            Assert.Equal(whole.Ids()[at..], events.Ids());
            Assert.Equal(string.Concat(pieces[at..]), events.Text());
        }));
    }

    [Fact]
    public async Task Run_ChatWithAStop_EndsBeforeItWhereverItIsResumed_AloneOrAmongOthers()
    {
        var request = TestEngines.Chat("Tell me a story", maxNewTokens: 10);
        var unstopped = await Engine.AllAsync(request);
        var text = unstopped.Text();
        var stop = text[(text.Length / 2)..(text.Length / 2 + 2)];
        var expected = text[..text.IndexOf(stop, StringComparison.Ordinal)];
        request = request with { Stop = ["never in there", stop] };

        var others = Enumerable.Range(0, 3).Select(i => Engine.AllAsync(TestEngines.Image(2, 3, seed: (ulong)i, guidance: 2))).ToList();
        var whole = await Engine.AllAsync(request);
        await Task.WhenAll(others);
        var ids = whole.Ids();
        Assert.Equal(expected, whole.Text());
        Assert.Equal(unstopped.Ids()[..ids.Length], ids);
        Assert.True(ids.Length < 10, "It went on behind the stop.");
        var finished = Assert.IsType<EngineEvent.Finished>(whole[^1]);
        Assert.Equal((FinishReason.Stop, ids.Length), (finished.Reason, finished.Usage.GeneratedTokens));
        var pieces = whole.OfType<EngineEvent.TokensGenerated>().SelectMany(tokens => tokens.Pieces!).ToArray();
        await Task.WhenAll(Enumerable.Range(0, ids.Length + 1).Select(async at =>
        {
            var rest = await Engine.AllAsync(request with { Generated = ids[..at] });
            Assert.Equal(pieces[at..], rest.OfType<EngineEvent.TokensGenerated>().SelectMany(tokens => tokens.Pieces!));
            Assert.Equal(whole[^1], rest[^1]);
        }));

        var behind = Assert.IsType<EngineEvent.Failed>(Assert.Single(await Engine.AllAsync(request with { Generated = unstopped.Ids() })));
        Assert.Equal(EngineFailureCode.ResumeNotPossible, behind.Failure.Code);
        await IsIdleAsync();
    }

    /// <summary>Waits until no request has a slot any more: the engine counts between its steps.</summary>
    private async Task IsIdleAsync()
    {
        while (Engine.Load is not { RunningCount: 0, WaitingCount: 0 } load || load.FreeSlotCount != load.SlotCount) await Task.Delay(10, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Run_AmongOthers_GivesTheTokensOfARunAlone()
    {
        GenerationRequest[] requests = [.. Enumerable.Range(0, 12).Select(i => TestEngines.Image(2 + i % 3, 3, seed: (ulong)i, guidance: i % 2 + 1)), TestEngines.Chat("Hello")];
        List<int[]> alone = [];
        foreach (var request in requests)
            alone.Add((await Engine.AllAsync(request)).Ids());
        var together = await Task.WhenAll(requests.Select(Engine.AllAsync));
        Assert.Equal(alone, together.Select(events => events.Ids()));
    }

    [Fact]
    public async Task Run_OtherSeedOrSample_GivesOtherTokens()
    {
        var first = await Engine.AllAsync(TestEngines.Image(seed: 1));
        Assert.NotEqual(first.Ids(), (await Engine.AllAsync(TestEngines.Image(seed: 2))).Ids());
        Assert.NotEqual(first.Ids(), (await Engine.AllAsync(TestEngines.Image(seed: 1) with { SampleIndex = 1 })).Ids());
    }

    private static readonly Dictionary<string, (GenerationRequest Request, EngineFailureCode Code)> s_refused = new()
    {
        ["no rows"] = (TestEngines.Image(0, 4), EngineFailureCode.SizeNotSupported),
        ["larger than the positions"] = (TestEngines.Image(100, 100), EngineFailureCode.SizeNotSupported),
        ["prompt too long"] = (TestEngines.Image(44, 44, prompt: string.Concat(Enumerable.Repeat("red ", 400))), EngineFailureCode.PromptTooLong),
        ["chat too long"] = (TestEngines.Chat(string.Concat(Enumerable.Repeat("why? ", 2000))), EngineFailureCode.PromptTooLong),
        ["temperature"] = (TestEngines.Image() with { Sampling = new SamplingSettings(-1, 0, 1) }, EngineFailureCode.InvalidSetting),
        ["top-k"] = (TestEngines.Image() with { Sampling = new SamplingSettings(1, -1, 1) }, EngineFailureCode.InvalidSetting),
        ["top-p"] = (TestEngines.Image() with { Sampling = new SamplingSettings(1, 0, 0) }, EngineFailureCode.InvalidSetting),
        ["guidance"] = (TestEngines.Image(guidance: double.NaN), EngineFailureCode.InvalidSetting),
        ["no answer"] = (TestEngines.Chat("why?", maxNewTokens: 0), EngineFailureCode.InvalidSetting),
        ["no picture"] = (TestEngines.Chat("what?", 5, [1, 2, 3]), EngineFailureCode.PictureNotReadable),
        ["foreign tokens"] = (TestEngines.Image(generated: [1]), EngineFailureCode.ResumeNotPossible),
        ["tokens behind the end"] = (TestEngines.Chat("why?") with { Generated = [627, 5] }, EngineFailureCode.ResumeNotPossible),
        ["more tokens than asked for"] = (TestEngines.Chat("why?", 2) with { Generated = [5, 6, 7] }, EngineFailureCode.ResumeNotPossible),
    };

    public static TheoryData<string> Refused => [.. s_refused.Keys];

    [Theory, MemberData(nameof(Refused))]
    public async Task Run_RequestThatCannotRun_IsRefusedAsMeasured(string what)
    {
        var (request, code) = s_refused[what];
        var measured = Engine.Measure(request).Failure;
        var failed = Assert.IsType<EngineEvent.Failed>(Assert.Single(await Engine.AllAsync(request)));
        Assert.Equal(code, failed.Failure.Code);
        Assert.Equal(measured, failed.Failure);
    }

    [Fact]
    public async Task Run_PictureCutOff_FailsAsNotReadable()
    {
        var file = await File.ReadAllBytesAsync(Repository.PathTo("Tests", "Golden", "fixtures", "tiny-a", "images", "scene0.png"), TestContext.Current.CancellationToken);
        var failed = Assert.IsType<EngineEvent.Failed>(Assert.Single(await Engine.AllAsync(TestEngines.Chat("what?", 5, file[..(file.Length / 2)]))));
        Assert.Equal(EngineFailureCode.PictureNotReadable, failed.Failure.Code);
    }

    [Fact]
    public void Measure_Image_IsPromptAndPicture()
    {
        var measured = Engine.Measure(TestEngines.Image(5, 7, guidance: 3));
        Assert.Null(measured.Failure);
        Assert.Equal(measured.PromptTokens + 8 * 5 + 3, measured.Positions);
    }

    [Fact]
    public async Task Cancel_RunningRequest_FreesItsSlotsForTheNext()
    {
        await using var engine = await TestEngines.LoadAsync(TestEngines.TinyA, options => options.SlotCount = 2);
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var cancelled = Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var @event in engine.Run(TestEngines.Image(30, 30, guidance: 2), cancellation.Token))
                if (@event is EngineEvent.TokensGenerated)
                    await cancellation.CancelAsync();
        });
        var next = engine.AllAsync(TestEngines.Image(2, 2, guidance: 2)); // needs both slots
        await cancelled;
        Assert.IsType<EngineEvent.Finished>((await next)[^1]);
        // A reader that turns away cancels too.
        await foreach (var @event in engine.Run(TestEngines.Image(30, 30, guidance: 2), TestContext.Current.CancellationToken))
            if (@event is EngineEvent.TokensGenerated)
                break;
        Assert.IsType<EngineEvent.Finished>((await engine.AllAsync(TestEngines.Image(2, 2, guidance: 2)))[^1]);
    }

    [Fact]
    public async Task Dispose_WhileRequestsRun_TellsThemThatTheEngineStopped()
    {
        var engine = await TestEngines.LoadAsync(TestEngines.TinyA, options => options.SlotCount = 1);
        var started = new TaskCompletionSource();
        var running = Assert.ThrowsAsync<EngineStoppedException>(async () =>
        {
            await foreach (var @event in engine.Run(TestEngines.Image(30, 30), TestContext.Current.CancellationToken))
                started.TrySetResult();
        });
        var waiting = Assert.ThrowsAsync<EngineStoppedException>(() => engine.AllAsync(TestEngines.Image(30, 30)));
        await started.Task;
        await engine.DisposeAsync();
        await running;
        await waiting;
        await Assert.ThrowsAsync<EngineStoppedException>(() => engine.AllAsync(TestEngines.Image()));
    }

    [Fact]
    public async Task Run_LogitsAreNoNumbers_FailsThatRequestOnly()
    {
        using var broken = new CheckpointWithoutNumbers(TestEngines.TinyA, "text_model.lm_head.weight");
        await using var engine = await TestEngines.LoadAsync(broken.Path);
        for (var i = 0; i < 2; i++)
        {
            var events = await engine.AllAsync(TestEngines.Image(guidance: 2));
            Assert.Contains("token 0 are not finite", Assert.IsType<EngineEvent.Failed>(events[^1]).Failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task NumericClass_OnTheCpu_IsTheArithmeticAndTheWeightsWhateverTheThreads()
    {
        await using var two = await TestEngines.LoadAsync(TestEngines.TinyA, options => options.Threads = 2);
        Assert.Equal(Engine.NumericClass, two.NumericClass);
        Assert.Equal($"emu3 cpu {CpuModel.Algorithm}; float32; weights {Engine.Model.WeightsHash}", two.NumericClass.Text);
        await using var torch = await TestEngines.LoadAsync(TestEngines.TinyA, options => (options.TorchOnCpu, options.RowInvariance) = (true, false));
        Assert.NotEqual(Engine.NumericClass, torch.NumericClass);
        Assert.False(torch.NumericClass.RowInvariant);
    }

    [Fact]
    public async Task LoadAsync_OptionsThatDoNotFit_NamesTheReason()
    {
        await Assert.ThrowsAsync<CheckpointException>(() => TestEngines.LoadAsync("no/such/folder/here"));
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => TestEngines.LoadAsync(TestEngines.TinyA, options => options.Dtype = "bfloat16"));
        Assert.Contains("Engine:Dtype", refused.Message, StringComparison.Ordinal);
    }
}
