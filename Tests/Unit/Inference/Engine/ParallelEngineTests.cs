using Emu3.Inference;
using Emu3.Tests.Unit.Inference.Batching;

namespace Emu3.Tests.Unit.Inference.Engine;

/// <summary>Real engines, one of which draws one token of a request in a step, the other any number of them: nobody can tell which is which.</summary>
[Trait("Suite", "Fast")]
public sealed class ParallelEngineTests
{
    private static Task<Emu3.Inference.Engine.Emu3Engine> SingleAsync(string model) => TestEngines.LoadAsync(model, options => options.ParallelDecoding = false);

    private static Task<Emu3.Inference.Engine.Emu3Engine> WindowedAsync(string model, int seed) =>
        TestEngines.LoadAsync(model, options => options.Windows = new RandomWindows(new Random(seed)));

    /// <summary>Pictures with and without guidance, answers with and without stops, greedy and sampled.</summary>
    private static GenerationRequest Random(Random random, bool isTrained)
    {
        var sampling = random.Next(4) == 0 ? SamplingSettings.Greedy : new SamplingSettings(0.7, random.Next(2) * 64, random.Next(2) == 0 ? 1 : 0.9);
        if (random.Next(3) > 0)
            return TestEngines.Image(isTrained ? 8 : random.Next(1, 7), isTrained ? 8 : random.Next(1, 7), (ulong)random.NextInt64(), (double[])[1, 1.5, 3] is var scales ? scales[random.Next(3)] : 1) with
            {
                Sampling = sampling,
                SampleIndex = (uint)random.Next(2),
            };
        return TestEngines.Chat("one two three one two three one two", random.Next(1, 40)) with
        {
            Sampling = sampling,
            Seed = (ulong)random.NextInt64(),
            Stop = random.Next(2) == 0 ? ["a", "th"] : [],
        };
    }

    [Theory]
    [InlineData("tiny-a", 60)]
    [InlineData("emu3-tiny", 16)]
    public async Task Run_AnyRequestsTogether_AreTheSameWithAndWithoutWindows(string checkpoint, int count)
    {
        var model = checkpoint == "tiny-a" ? TestEngines.TinyA : TestEngines.Trained;
        await using var single = await SingleAsync(model);
        await using var windowed = await WindowedAsync(model, count);
        var random = new Random(count);
        GenerationRequest[] requests = [.. Enumerable.Range(0, count).Select(_ => Random(random, checkpoint != "tiny-a"))];
        var expected = await Task.WhenAll(requests.Select(single.AllAsync));
        // Some begin anew from tokens that they have, beside the others.
        var resumed = requests.Zip(expected, (request, events) => request with { Generated = events.Ids()[..random.Next(events.Ids().Length + 1)] }).ToArray();
        var whole = Task.WhenAll(requests.Select(windowed.AllAsync));
        var rest = await Task.WhenAll(resumed.Select(windowed.AllAsync));
        foreach (var (events, found) in expected.Zip(await whole))
            RequireSame(events, found);
        foreach (var (request, events, found) in resumed.Zip(expected, rest))
        {
            Assert.Equal(events.Ids()[request.Generated.Count..], found.Ids());
            RequireSameEnd(events, found);
        }
    }

    [Fact]
    public async Task Run_LongestWindowsOfATrainedModel_TakeAThirdOfTheStepsAtMost()
    {
        await using var windowed = await TestEngines.LoadAsync(TestEngines.Trained, options => options.Windows = new LongestWindows());
        for (var seed = 0ul; seed < 4; seed++)
            await windowed.AllAsync(TestEngines.Image(8, 8, seed, guidance: 1.5, prompt: "a big red star on a blue background") with { Sampling = new SamplingSettings(0.7, 64, 1) });
        Assert.InRange(windowed.Load.StepCount, 4, 4 * 64 / 3);
    }

    [Fact]
    public async Task Run_TheWindowsOfTheCostModel_GiveTheSame()
    {
        await using var single = await SingleAsync(TestEngines.TinyA);
        await using var planned = await TestEngines.LoadAsync(TestEngines.TinyA);
        var random = new Random(3);
        GenerationRequest[] requests = [.. Enumerable.Range(0, 12).Select(_ => Random(random, isTrained: false))];
        foreach (var (expected, found) in (await Task.WhenAll(requests.Select(single.AllAsync))).Zip(await Task.WhenAll(requests.Select(planned.AllAsync))))
            RequireSame(expected, found);
    }

    [Fact]
    public async Task Run_PreviewOfEveryLength_IsThePictureWithoutWindows()
    {
        await using var single = await SingleAsync(TestEngines.TinyA);
        await using var windowed = await WindowedAsync(TestEngines.TinyA, 5);
        List<int> ids = [];
        await foreach (var told in windowed.Run(TestEngines.Image(3, 3, guidance: 2), TestContext.Current.CancellationToken))
        {
            if (told is not EngineEvent.TokensGenerated tokens)
                continue;
            ids.AddRange(tokens.Ids);
            var preview = TestEngines.Image(3, 3, guidance: 2, generated: [.. ids]) with { IsPreview = true };
            RequireSame(await single.AllAsync(preview), await windowed.AllAsync(preview));
        }
        Assert.Equal((await single.AllAsync(TestEngines.Image(3, 3, guidance: 2))).Ids(), ids);
    }

    [Fact]
    public async Task Run_StopsAnywhereInAnAnswer_CountNoTokenBehindThem()
    {
        await using var single = await SingleAsync(TestEngines.TinyA);
        await using var windowed = await WindowedAsync(TestEngines.TinyA, 6);
        var request = TestEngines.Chat("go on go on go on go on", maxNewTokens: 30);
        var text = (await single.AllAsync(request)).Text();
        var requests = Enumerable.Range(0, text.Length - 1).Select(at => request with { Stop = [text[at..(at + 2)]] }).ToArray();
        foreach (var (expected, found) in (await Task.WhenAll(requests.Select(single.AllAsync))).Zip(await Task.WhenAll(requests.Select(windowed.AllAsync))))
            RequireSame(expected, found);
    }

    [Fact]
    public async Task Cancel_AnEngineWithWindows_GoesOnWithTheTokensThatItTold()
    {
        await using var single = await SingleAsync(TestEngines.TinyA);
        await using var windowed = await WindowedAsync(TestEngines.TinyA, 7);
        var expected = (await single.AllAsync(TestEngines.Image(8, 8, guidance: 2))).Ids();
        List<int> ids = [];
        while (ids.Count < expected.Length)
            await foreach (var told in windowed.Run(TestEngines.Image(8, 8, guidance: 2, generated: [.. ids]), TestContext.Current.CancellationToken))
                if (told is EngineEvent.TokensGenerated tokens)
                {
                    ids.AddRange(tokens.Ids);
                    if (ids.Count < expected.Length)
                        break; // turns away in the middle
                }
        Assert.Equal(expected, ids);
    }

    [Fact]
    public async Task LoadAsync_WithoutRowInvariance_DrawsOneTokenAStep()
    {
        await using var torch = await TestEngines.LoadAsync(TestEngines.TinyA, options => (options.TorchOnCpu, options.RowInvariance) = (true, false));
        await torch.AllAsync(TestEngines.Image(4, 4));
        Assert.Equal(16, torch.Load.StepCount);
    }

    private static void RequireSame(List<EngineEvent> expected, List<EngineEvent> found)
    {
        Assert.Equal(expected.Ids(), found.Ids());
        Assert.Equal(expected.Text(), found.Text());
        RequireSameEnd(expected, found);
    }

    private static void RequireSameEnd(List<EngineEvent> expected, List<EngineEvent> found)
    {
        Assert.Equal(expected[^1], found[^1]);
        Assert.Equal(expected.OfType<EngineEvent.PictureDecoded>().SelectMany(picture => picture.Rgb), found.OfType<EngineEvent.PictureDecoded>().SelectMany(picture => picture.Rgb));
    }
}
