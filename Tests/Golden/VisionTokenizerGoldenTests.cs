using System.Text.Json;
using Emu3.Inference.Model;
using Emu3.Inference.Vision;
using Emu3.Inference.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Emu3.Tests.Golden;

[Trait("Suite", "Golden")]
public sealed class VisionTokenizerGoldenTests
{
    private const double ModelRangeTolerance = 1e-3;
    private static readonly string s_tiny = Repository.PathTo("models", "emu3-tiny");

    public VisionTokenizerGoldenTests() => TorchNative.EnsureLoaded();

    /// <summary>Every golden folder, in each layout that it has.</summary>
    public static TheoryData<string, bool> Checkpoints
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var path in GoldenFolder.Paths)
                data.Add(path, false);
            foreach (var path in GoldenFolder.OriginalPaths)
                data.Add(path, true);
            return data;
        }
    }

    [Theory, MemberData(nameof(Checkpoints))]
    public void EncodeStill_OfThePixelValues_GivesTheCodes(string path, bool original)
    {
        var golden = GoldenFolder.Open(path);
        using var vision = Open(golden, original);
        foreach (var image in golden.Cases.Each("images"))
        {
            var expected = golden.Tensor(image, "codes");
            using var values = ToTensor(golden.Tensor(image, "pixel_values"));
            var found = vision.EncodeStill(values);
            Assert.Equal([found.Height, found.Width], expected.Shape.TakeLast(2));
            Assert.Equal(1, found.Frames);
            Assert.Equal(expected.Integers, found.Codes);
        }
    }

    [Theory, MemberData(nameof(Checkpoints))]
    public void DecodeStill_OfTheCodes_GivesThePictureByEitherWay(string path, bool original)
    {
        var golden = GoldenFolder.Open(path);
        foreach (var processorKernels in new[] { true, false })
        {
            using var vision = Open(golden, original, processorKernels: processorKernels);
            foreach (var image in golden.Cases.Each("images"))
            {
                var codes = golden.Tensor(image, "codes");
                var (height, width) = ((int)codes.Shape[^2], (int)codes.Shape[^1]);
                using var decoding = vision.BeginStill(codes.Integers, height, width);
                while (!decoding.Advance()) { }
                RequireClose(image.Text("file"), golden.Tensor(image, "decoded").Floats, decoding.Values);
                RequireBytes(image.Text("file"), golden.Tensor(image, "bytes"), decoding.Picture);
            }
        }
    }

    [Theory, MemberData(nameof(Checkpoints))]
    public void DecodeReferenceWay_OfTheCodes_GivesThePicture(string path, bool original)
    {
        var golden = GoldenFolder.Open(path);
        foreach (var channelsLast in new[] { false, true })
        {
            using var vision = Open(golden, original, channelsLast);
            foreach (var image in golden.Cases.Each("images"))
            {
                var codes = golden.Tensor(image, "codes");
                var (height, width) = ((int)codes.Shape[^2], (int)codes.Shape[^1]);
                RequireBytes(image.Text("file"), golden.Tensor(image, "bytes"), vision.DecodeReferenceWay(codes.Integers, height, width));
            }
        }
    }

    [Theory, MemberData(nameof(Checkpoints))]
    public void Clip_BothWays_EqualsTheReference(string path, bool original)
    {
        var golden = GoldenFolder.Open(path);
        using var vision = Open(golden, original);
        var video = golden.Cases.GetProperty("video");
        using var scope = NewDisposeScope();
        var frames = ToTensor(golden.Tensor(video, "frames")).squeeze(0); // [T, 3, H, W]
        var expected = golden.Tensor(video, "codes");
        var found = vision.EncodeClip(frames);
        Assert.Equal([found.Frames, found.Height, found.Width], expected.Shape.TakeLast(3));
        Assert.Equal(expected.Integers, found.Codes);
        RequireClose("video", golden.Tensor(video, "decoded").Floats, vision.DecodeFrames(found));

        var pictures = vision.DecodeClip(found);
        Assert.Equal(frames.size(0), pictures.Length);
        Assert.All(pictures, picture => Assert.Equal((frames.size(2), frames.size(3)), (picture.Height, picture.Width)));
    }

    [Theory, MemberData(nameof(GoldenFolder.Paths), MemberType = typeof(GoldenFolder))]
    public void Encode_ShapeThatDoesNotFit_IsRefusedByName(string path)
    {
        using var vision = Open(GoldenFolder.Open(path), original: false);
        using var scope = NewDisposeScope();
        var factor = ConfigReader.Read(GoldenFolder.Open(path).Checkpoint).Vision.SpatialFactor;
        Assert.Contains($"multiples of {factor}", Refused(() => vision.EncodeStill(zeros(3, 8 * factor + 1, 8 * factor))), StringComparison.Ordinal);
        Assert.Contains($"multiples of {factor}", Refused(() => vision.EncodeStill(zeros(3, 8 * factor, 1))), StringComparison.Ordinal);
        Assert.Contains("[3, H, W]", Refused(() => vision.EncodeStill(zeros(1, 8 * factor, 8 * factor))), StringComparison.Ordinal);
        Assert.Contains("frames, not 6", Refused(() => vision.EncodeClip(zeros(6, 3, 8 * factor, 8 * factor))), StringComparison.Ordinal);
        Assert.Contains("not 5 codes", Refused(() => vision.BeginStill(new int[5], 2, 2)), StringComparison.Ordinal);
        Assert.Contains("code -1", Refused(() => vision.BeginStill([-1], 1, 1)), StringComparison.Ordinal);
    }

    [Fact]
    public void TrainedCheckpoint_GoldenIds_DecodeToItsPictures()
    {
        using var vision = Open(ModelFolder.Open(s_tiny));
        foreach (var (image, codes) in TinyPictures())
        {
            var size = image.Integers("size");
            var expected = PictureFiles.Decode(File.ReadAllBytes(Path.Combine(s_tiny, image.Text("file"))), maxPixels: 1 << 20);
            foreach (var found in new[] { vision.DecodeStill(codes, size[0], size[1]), vision.DecodeReferenceWay(codes, size[0], size[1]) })
            {
                Assert.Equal((expected.Width, expected.Height), (found.Width, found.Height));
                RequireBytes(image.Text("file"), [.. expected.Rgb.Select(value => (int)value)], found.Rgb);
            }
        }
    }

    /// <summary>
    /// A preview is the picture of the rows so far, the last one repeated. The decoder's attention and norms see all of its input, so no pixel is quite final before
    /// the last row; above the row at the edge it is near.
    /// </summary>
    [Fact]
    public void TrainedCheckpoint_RowsSoFar_DecodeNearTheUpperRowsOfThePicture()
    {
        using var vision = Open(ModelFolder.Open(s_tiny));
        foreach (var (image, codes) in TinyPictures())
        {
            var (height, width) = (image.Integers("size")[0], image.Integers("size")[1]);
            var whole = vision.DecodeStill(codes, height, width);
            var distances = new List<double>();
            foreach (var rows in (int[])[Math.Max(2, height / 4), height / 2, height * 3 / 4])
            {
                int[] known = [.. Enumerable.Range(0, height * width).Select(place => codes[(Math.Min(place / width, rows - 1) * width) + (place % width)])];
                var preview = vision.DecodeStill(known, height, width);
                var upper = (rows - 1) * (whole.Rgb.Length / height);
                distances.Add(Enumerable.Range(0, upper).Average(place => Math.Abs(whole.Rgb[place] - preview.Rgb[place])));
            }

            TestContext.Current.TestOutputHelper?.WriteLine($"{image.Text("file")}: {string.Join(", ", distances.Select(distance => $"{distance:0.00}"))}");
            Assert.All(distances, distance => Assert.InRange(distance, 0.001, 10)); // of 255, in the mean
        }
    }

    [Theory, MemberData(nameof(GoldenFolder.Paths), MemberType = typeof(GoldenFolder))]
    public void StillDecoding_InPiecesOfManyScopes_GivesTheSameBitsAndLeavesNothing(string path)
    {
        var golden = GoldenFolder.Open(path);
        using var vision = Open(golden, original: false);
        var codes = golden.Tensor(golden.Cases.Each("images").First(), "codes");
        var (height, width) = ((int)codes.Shape[^2], (int)codes.Shape[^1]);
        var (once, other) = (vision.DecodeStill(codes.Integers, height, width), codes.Integers.Reverse().ToArray());

        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (var first = InScope(() => vision.BeginStill(codes.Integers, height, width)))
        using (var second = InScope(() => vision.BeginStill(other, height, width)))
        {
            while (!InScope(first.Advance))
                InScope(second.Advance);
            Assert.Equal(once.Rgb, first.Picture.Rgb);
            Assert.Throws<InvalidOperationException>(() => second.Picture);
        }
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal(once.Rgb, vision.DecodeStill(codes.Integers, height, width).Rgb);
    }

    internal static VisionTokenizer Open(GoldenFolder golden, bool original, bool channelsLast = true, bool processorKernels = true) =>
        Open(original ? golden.CheckpointOriginal : golden.Checkpoint, channelsLast, processorKernels);

    private static VisionTokenizer Open(ModelFolder folder, bool channelsLast = true, bool processorKernels = true)
    {
        var config = ConfigReader.Read(folder);
        using var loader = WeightLoader.Open(folder, CPU);
        return VisionTokenizer.Load(loader, config.Vision, config.Pixels, channelsLast, processorKernels);
    }

    /// <summary>The golden pictures of emu3-tiny, each with its codes.</summary>
    private static IEnumerable<(JsonElement Image, int[] Codes)> TinyPictures()
    {
        var tokens = ConfigReader.Read(ModelFolder.Open(s_tiny)).Tokens;
        using var cases = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(s_tiny, "golden.json")));
        foreach (var image in cases.RootElement.Each("images"))
            yield return (image, [.. image.Integers("ids").Where(tokens.IsVisual).Select(id => id - tokens.FirstVisual)]);
    }

    private static T InScope<T>(Func<T> step)
    {
        using var scope = NewDisposeScope();
        return step();
    }

    private static string Refused(Action call) => Assert.Throws<ArgumentException>(call).Message;

    private static Tensor ToTensor(GoldenTensor golden) => tensor(golden.Floats, golden.Shape.ToArray());

    private static void RequireClose(string name, float[] expected, Tensor found)
    {
        var values = found.contiguous().data<float>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        var worst = Enumerable.Range(0, values.Length).MaxBy(at => Math.Abs(values[at] - expected[at]));
        var difference = Math.Abs(values[worst] - expected[worst]);
        Assert.True(difference <= ModelRangeTolerance, $"{name}: value {worst} is {values[worst]}, not {expected[worst]} (difference {difference})");
    }

    internal static void RequireBytes(string name, GoldenTensor expected, Picture found) // [3, H, W]
    {
        var pixels = found.Width * found.Height;
        Assert.Equal([3, found.Height, found.Width], expected.Shape.TakeLast(3));
        RequireBytes(name, [.. Enumerable.Range(0, 3 * pixels).Select(at => expected.Integers[at % 3 * pixels + at / 3])], found.Rgb);
    }

    internal static void RequireBytes(string name, int[] expected, byte[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        var worst = Enumerable.Range(0, found.Length).MaxBy(at => Math.Abs(found[at] - expected[at]));
        Assert.True(Math.Abs(found[worst] - expected[worst]) <= 1, $"{name}: byte {worst} is {found[worst]}, not {expected[worst]}");
    }
}
