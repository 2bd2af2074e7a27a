using System.Text.Json;
using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Cpu.Vision;
using Emu3.Inference.Model;
using Emu3.Inference.Vision;
using Emu3.Inference.Weights;
using Emu3.Tests.Unit.Inference.Engine;

namespace Emu3.Tests.Golden;

/// <summary>The vision tokenizer on our own kernels against the reference, and against itself on every path.</summary>
[Trait("Suite", "Golden")]
public sealed class CpuVisionGoldenTests
{
    public static TheoryData<string, bool> Checkpoints => VisionTokenizerGoldenTests.Checkpoints;

    /// <summary>A vision tokenizer with all it needs.</summary>
    private sealed class Opened : IDisposable
    {
        private readonly CheckpointFiles files;
        private readonly CpuWeightReader reader;
        private readonly CpuThreads threads;

        public Opened(ModelFolder folder, ICpuKernels? kernels = null, int threadCount = 1)
        {
            Config = ConfigReader.Read(folder);
            files = CheckpointFiles.Open(folder);
            reader = new CpuWeightReader(files);
            threads = new CpuThreads(kernels ?? CpuKernels.Fastest, threadCount, heads: 1, headDim: 16);
            Vision = new CpuVisionTokenizer(reader, Config.Vision, Config.Pixels, threads);
        }

        public Emu3Config Config { get; }

        public CpuVisionTokenizer Vision { get; }

        public void Dispose()
        {
            Vision.Dispose();
            threads.Dispose();
            reader.Dispose();
            files.Dispose();
        }
    }

    [Theory, MemberData(nameof(Checkpoints))]
    public void EncodeStill_OfThePixelValues_GivesTheCodes(string path, bool original)
    {
        var golden = GoldenFolder.Open(path);
        using var opened = Open(golden, original);
        foreach (var image in golden.Cases.Each("images"))
        {
            var (values, expected) = (golden.Tensor(image, "pixel_values"), golden.Tensor(image, "codes"));
            var found = opened.Vision.EncodeStill(values.Floats, (int)values.Shape[^2], (int)values.Shape[^1]);
            Assert.Equal([found.Height, found.Width], expected.Shape.TakeLast(2));
            Assert.Equal(expected.Integers, found.Codes);
        }
    }

    [Theory, MemberData(nameof(Checkpoints))]
    public void DecodeStill_OfTheCodes_GivesThePicture(string path, bool original)
    {
        var golden = GoldenFolder.Open(path);
        using var opened = Open(golden, original);
        foreach (var image in golden.Cases.Each("images"))
        {
            var codes = golden.Tensor(image, "codes");
            var found = Decode(opened.Vision, codes.Integers, (int)codes.Shape[^2], (int)codes.Shape[^1]);
            VisionTokenizerGoldenTests.RequireBytes(image.Text("file"), golden.Tensor(image, "bytes"), found);
        }
    }

    [Theory, MemberData(nameof(Checkpoints))]
    public void Clip_BothWays_EqualsTheReference(string path, bool original)
    {
        var golden = GoldenFolder.Open(path);
        using var opened = Open(golden, original);
        var video = golden.Cases.GetProperty("video");
        var (frames, expected, decoded) = (golden.Tensor(video, "frames"), golden.Tensor(video, "codes"), golden.Tensor(video, "decoded"));
        var found = opened.Vision.EncodeClip(frames.Floats, (int)frames.Shape[^2], (int)frames.Shape[^1]);
        Assert.Equal([found.Frames, found.Height, found.Width], expected.Shape.TakeLast(3));
        Assert.Equal(expected.Integers, found.Codes);

        var pictures = opened.Vision.DecodeClip(found);
        var pixels = pictures[0].Width * pictures[0].Height;
        Assert.Equal(decoded.Floats.Length, pictures.Length * 3 * pixels);
        var (mean, deviation) = (opened.Config.Pixels.Mean, opened.Config.Pixels.Deviation);
        for (var i = 0; i < decoded.Floats.Length; i++)
        {
            var (frame, channel, pixel) = (i / (3 * pixels), i / pixels % 3, i % pixels);
            var value = Math.Clamp((decoded.Floats[i] * deviation[channel] + mean[channel]) * 255, 0, 255);
            Assert.InRange(pictures[frame].Rgb[pixel * 3 + channel] - (int)value, -1, 1);
        }
    }

    [Fact]
    public void Bits_OtherInstructionsAndThreads_AreTheSame()
    {
        var folder = ModelFolder.Open(TestEngines.Trained);
        using var opened = new Opened(folder);
        var random = new Random(1);
        int[] codes = [.. Enumerable.Range(0, 6 * 9).Select(_ => random.Next(opened.Config.Vision.CodebookSize))];
        var picture = Decode(opened.Vision, codes, 6, 9);
        var encoded = opened.Vision.EncodeStill(picture);
        foreach (var (kernels, threads) in CpuKernels.All.Select((kernels, i) => (kernels, 1 + i % 3)))
        {
            using var other = new Opened(folder, kernels, threads);
            Assert.Equal(picture.Rgb, Decode(other.Vision, codes, 6, 9).Rgb);
            Assert.Equal(encoded.Codes, other.Vision.EncodeStill(picture).Codes);
        }
    }

    [Fact]
    public void TrainedCheckpoint_GoldenIds_DecodeToItsPictures()
    {
        using var opened = new Opened(ModelFolder.Open(TestEngines.Trained), threadCount: 2);
        var tokens = opened.Config.Tokens;
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestEngines.Trained, "golden.json")));
        foreach (var image in cases.RootElement.Each("images"))
        {
            int[] codes = [.. image.Integers("ids").Where(tokens.IsVisual).Select(id => id - tokens.FirstVisual)];
            var expected = PictureFiles.Decode(File.ReadAllBytes(Path.Combine(TestEngines.Trained, image.Text("file"))), maxPixels: 1 << 20);
            var found = Decode(opened.Vision, codes, image.Integers("size")[0], image.Integers("size")[1]);
            Assert.Equal((expected.Width, expected.Height), (found.Width, found.Height));
            VisionTokenizerGoldenTests.RequireBytes(image.Text("file"), [.. expected.Rgb.Select(value => (int)value)], found.Rgb);
        }
    }

    /// <summary>Two pictures in turns, one of them given up: what they took goes back, and neither disturbs the other.</summary>
    [Fact]
    public void BeginStill_InTurns_GivesThePicturesOfEachAlone()
    {
        using var opened = new Opened(ModelFolder.Open(TestEngines.TinyA));
        int[] first = [.. Enumerable.Range(0, 12)], second = [.. Enumerable.Range(20, 12)];
        var (one, other) = (Decode(opened.Vision, first, 3, 4), Decode(opened.Vision, second, 4, 3));
        using var a = opened.Vision.BeginStill(first, 3, 4);
        using var b = opened.Vision.BeginStill(second, 4, 3);
        using (var givenUp = opened.Vision.BeginStill(second, 3, 4))
            givenUp.Advance();
        Assert.Throws<InvalidOperationException>(() => a.Picture);
        for (var (isA, isB) = (false, false); !isA || !isB; (isA, isB) = (a.Advance(), b.Advance())) { }
        Assert.Equal(one.Rgb, a.Picture.Rgb);
        Assert.Equal(other.Rgb, b.Picture.Rgb);
    }

    [Fact]
    public void BeginStill_CodesThatDoNotFit_AreRefusedByName()
    {
        using var opened = new Opened(ModelFolder.Open(TestEngines.TinyA));
        Assert.Contains("not 5 codes", Assert.Throws<ArgumentException>(() => opened.Vision.BeginStill(new int[5], 2, 2)).Message, StringComparison.Ordinal);
        Assert.Contains("code -1", Assert.Throws<ArgumentException>(() => opened.Vision.BeginStill([-1], 1, 1)).Message, StringComparison.Ordinal);
    }

    private static Opened Open(GoldenFolder golden, bool original) => new(original ? golden.CheckpointOriginal : golden.Checkpoint);

    private static Picture Decode(CpuVisionTokenizer vision, int[] codes, int height, int width)
    {
        using var decoding = vision.BeginStill(codes, height, width);
        while (!decoding.Advance()) { }
        return decoding.Picture;
    }
}
