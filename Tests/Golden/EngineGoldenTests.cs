using System.Text.Json;
using Emu3.Inference;
using Emu3.Inference.Vision;
using Emu3.Tests.Unit.Inference.Engine;

namespace Emu3.Tests.Golden;

/// <summary>The engine, from requests to events, against what the reference generates.</summary>
[Trait("Suite", "Golden")]
public sealed class EngineGoldenTests
{
    public static TheoryData<string, bool, Way> Checkpoints
    {
        get
        {
            var data = new TheoryData<string, bool, Way>();
            foreach (var (path, original) in VisionTokenizerGoldenTests.Checkpoints.Select(row => row.Data))
                foreach (var way in Enum.GetValues<Way>())
                    data.Add(path, original, way);
            return data;
        }
    }

    private static Task<Emu3.Inference.Engine.Emu3Engine> LoadAsync(GoldenFolder golden, bool original, Way way) => TestEngines.LoadAsync(
        golden.File(original ? "checkpoint-original/language" : "checkpoint"),
        options => (options.Vision, options.TorchOnCpu) = (original ? golden.File("checkpoint-original/vision") : null, way == Way.Torch));

    private static ImageRequest Request(JsonElement @case, SamplingSettings sampling) => new()
    {
        Id = "golden",
        Prompt = @case.Text("text"),
        NegativePrompt = @case.GetProperty("negative").GetString() ?? "",
        GuidanceScale = @case.GetProperty("guidance").GetDouble(),
        LatentHeight = @case.Integers("size")[0],
        LatentWidth = @case.Integers("size")[1],
        Sampling = sampling,
        Seed = 0,
    };

    [Theory, MemberData(nameof(Checkpoints))]
    public async Task Run_ImagesGreedily_GivesTheReferencesTokensAndPictures(string path, bool original, Way way)
    {
        var golden = GoldenFolder.Open(path);
        await using var engine = await LoadAsync(golden, original, way);
        var cases = original ? golden.Original!.Value : golden.Cases;
        await Task.WhenAll(cases.Each("image_generation").Select(async @case => // all at once: they share steps
        {
            var events = await engine.AllAsync(Request(@case, SamplingSettings.Greedy));
            Assert.Equal(@case.Integers("ids"), events.Ids());
            Assert.Equal(@case.Integers("prompt").Length, Assert.IsType<EngineEvent.Admitted>(events[0]).PromptTokens);
            Assert.Equal(FinishReason.Stop, Assert.IsType<EngineEvent.Finished>(events[^1]).Reason);
            if (!original)
                RequireClose(golden.Tensor(@case, "decoded"), Assert.IsType<EngineEvent.PictureDecoded>(events[^2]), golden);
        }));
    }

    [Theory, MemberData(nameof(GoldenFolder.PathsAndWays), MemberType = typeof(GoldenFolder))]
    public async Task Run_Chats_GivesTheReferencesTokensAndText(string path, Way way)
    {
        var golden = GoldenFolder.Open(path);
        await using var engine = await LoadAsync(golden, original: false, way);
        await Task.WhenAll(golden.Cases.Each("chat").Select(async @case =>
        {
            byte[][] files = [.. @case.Each("files").Select(file => File.ReadAllBytes(golden.File("images", file.GetString()!)))];
            var request = TestEngines.Chat(@case.Text("question"), @case.Integers("ids").Length, files);
            var measured = engine.Measure(request);
            var events = await engine.AllAsync(request);
            Assert.Equal(@case.Integers("sequence").Length, Assert.IsType<EngineEvent.Admitted>(events[0]).PromptTokens);
            Assert.Equal(@case.Integers("sequence").Length, measured.PromptTokens);
            Assert.Equal(@case.Integers("ids"), events.Ids());
            var text = @case.Text("text");
            Assert.Equal(text.StartsWith(' ') ? text[1..] : text, events.Text()); // the reference decodes the template's space too
        }));
    }

    [Theory, MemberData(nameof(GoldenFolder.OriginalPaths), MemberType = typeof(GoldenFolder))]
    public async Task Run_ChatsOfTheOriginalLayout_GivesTheReferencesTokens(string path)
    {
        var golden = GoldenFolder.Open(path);
        await using var engine = await LoadAsync(golden, original: true, Way.Cpu);
        foreach (var @case in golden.Original!.Value.Each("chat"))
        {
            var request = TestEngines.Chat(@case.Text("question"), @case.Integers("ids").Length, File.ReadAllBytes(golden.File("images", @case.Text("file"))));
            var events = await engine.AllAsync(request);
            Assert.Equal(@case.Integers("sequence").Length, Assert.IsType<EngineEvent.Admitted>(events[0]).PromptTokens);
            Assert.Equal(@case.Integers("ids"), events.Ids());
        }
    }

    [Fact]
    public async Task Run_TrainedCheckpoint_AnswersAsItsReference()
    {
        await using var engine = await TestEngines.LoadAsync(TestEngines.Trained, options => options.SlotCount = 16);
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestEngines.Trained, "golden.json")));
        await Task.WhenAll(cases.RootElement.Each("images").Select(async image =>
        {
            var events = await engine.AllAsync(Request(image, SamplingSettings.Greedy));
            Assert.Equal(image.Integers("ids"), events.Ids());
            var expected = PictureFiles.Decode(File.ReadAllBytes(Path.Combine(TestEngines.Trained, image.Text("file"))), maxPixels: 1 << 20);
            var found = Assert.IsType<EngineEvent.PictureDecoded>(events[^2]);
            Assert.Equal((expected.Width, expected.Height), (found.Width, found.Height));
            Assert.All(expected.Rgb.Zip(found.Rgb), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
        }).Concat(cases.RootElement.Each("chat").Select(async chat =>
        {
            var file = File.ReadAllBytes(Path.Combine(TestEngines.Trained, chat.Text("file")));
            var events = await engine.AllAsync(TestEngines.Chat(chat.Text("question"), maxNewTokens: 100, file));
            Assert.Equal(chat.Integers("sequence").Length, Assert.IsType<EngineEvent.Admitted>(events[0]).PromptTokens);
            Assert.Equal(chat.Integers("ids"), events.Ids());
            Assert.Equal(chat.Text("text"), events.Text().TrimEnd()); // the file has it trimmed
        })));
    }

    private static void RequireClose(GoldenTensor expected, EngineEvent.PictureDecoded found, GoldenFolder golden)
    {
        var (mean, deviation) = (golden.Cases.GetProperty("variant").Each("mean").Select(v => v.GetDouble()).ToArray(),
            golden.Cases.GetProperty("variant").Each("std").Select(v => v.GetDouble()).ToArray());
        var pixels = found.Width * found.Height;
        Assert.Equal([3, found.Height, found.Width], expected.Shape.TakeLast(3));
        for (var i = 0; i < 3 * pixels; i++)
        {
            var channel = i % 3;
            var value = Math.Clamp((expected.Floats[channel * pixels + i / 3] * deviation[channel] + mean[channel]) * 255, 0, 255);
            Assert.InRange(found.Rgb[i] - (int)value, -1, 1);
        }
    }
}
