using Emu3.Inference.Model;
using Emu3.Inference.Vision;
using Emu3.Inference.Weights;

namespace Emu3.Tests.Golden;

[Trait("Suite", "Golden")]
public sealed class PictureGoldenTests
{
    private const long MaxPixels = 1 << 24;

    public PictureGoldenTests() => TorchNative.EnsureLoaded();

    [Theory, MemberData(nameof(GoldenFolder.Paths), MemberType = typeof(GoldenFolder))]
    public void PixelValues_OfEveryFile_AreTheReferencesWithinTwoSteps(string path)
    {
        var golden = GoldenFolder.Open(path);
        var config = ConfigReader.Read(golden.Checkpoint);
        foreach (var image in golden.Cases.Each("images"))
        {
            var file = image.Text("file");
            var expected = golden.Tensor(image, "pixel_values");
            using var values = Pixels.FromPicture(Read(golden, file), config.Pixels, config.Vision.SpatialFactor);
            Assert.Equal(image.Integers("size").Select(side => (long)side), values.shape.Skip(1));
            Assert.Equal(expected.Shape.TakeLast(3), values.shape);
            var found = values.data<float>().ToArray();
            var plane = found.Length / 3;
            for (var at = 0; at < found.Length; at++)
            {
                var steps = Math.Abs(found[at] - expected.Floats[at]) * config.Pixels.Deviation[at / plane] * 255;
                Assert.True(steps <= 2.01, $"{file}: value {at} is {steps:F2} steps off ({found[at]}, not {expected.Floats[at]})");
            }
        }
    }

    [Theory, MemberData(nameof(GoldenFolder.Paths), MemberType = typeof(GoldenFolder))]
    public void File_ThroughTheWholeWay_GivesTheCodes(string path)
    {
        var golden = GoldenFolder.Open(path);
        using var vision = VisionTokenizerGoldenTests.Open(golden, original: false);
        foreach (var image in golden.Cases.Each("images"))
        {
            using var values = vision.PixelValues(Read(golden, image.Text("file")));
            var found = vision.EncodeStill(values);
            var expected = golden.Tensor(image, "codes").Integers;
            // A byte that another version of PIL rounds the other way may turn a cell; ours turns none today.
            var turned = found.Codes.Zip(expected).Count(pair => pair.First != pair.Second);
            Assert.True(turned <= expected.Length / 50, $"{image.Text("file")}: {turned} of {expected.Length} codes differ");
        }
    }

    [Theory, MemberData(nameof(GoldenFolder.Paths), MemberType = typeof(GoldenFolder))]
    public void SmartResize_ReferenceCases_GiveTheReferenceSizes(string path)
    {
        foreach (var @case in GoldenFolder.Open(path).Cases.Each("smart_resize"))
        {
            int Number(string name) => @case.GetProperty(name).GetInt32();
            var (height, width) = SmartResize.Fit(
                Number("height"), Number("width"), Number("factor"), Number("min_pixels"), Number("max_pixels"), originalLayout: false);
            Assert.Equal<IEnumerable<int>>(@case.Integers("size"), [height, width]);
        }
    }

    private static Picture Read(GoldenFolder golden, string file) => PictureFiles.Decode(File.ReadAllBytes(golden.File("images", file)), MaxPixels);
}
