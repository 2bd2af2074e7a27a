using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Cpu.Vision;
using Emu3.Inference.Model;
using Emu3.Inference.Weights;
using Emu3.Tests.Unit.Inference.Engine;

namespace Emu3.Tests.Unit.Inference.Memory;

/// <summary>What is forecast for a picture is what the vision tokenizer takes, byte for byte: whoever changes its layers changes the trace.</summary>
[Trait("Suite", "Fast")]
public sealed class VisionTraceTests
{
    private static readonly (int Height, int Width)[] s_sizes = [(1, 1), (2, 3), (8, 8), (1, 40), (30, 1), (13, 7)];

    public static TheoryData<string> Checkpoints => [TestEngines.TinyA, TestEngines.TinyB, TestEngines.Trained];

    [Theory, MemberData(nameof(Checkpoints))]
    public void OfDecoding_AnyShape_IsWhatDecodingTakes(string checkpoint)
    {
        foreach (var (height, width) in s_sizes)
        {
            var (config, taken) = Use(checkpoint, vision =>
            {
                using var decoding = vision.BeginStill(new int[height * width], height, width);
                while (!decoding.Advance()) { }
            });
            Assert.Equal(taken, VisionTrace.OfDecoding(config.Vision, height, width).PlaneBytes);
        }
    }

    [Theory, MemberData(nameof(Checkpoints))]
    public void OfEncoding_AnyShape_IsWhatEncodingTakes(string checkpoint)
    {
        foreach (var (height, width) in s_sizes)
        {
            var (config, _) = Use(checkpoint, _ => { });
            var (rows, columns) = (height * config.Vision.SpatialFactor, width * config.Vision.SpatialFactor);
            var (_, taken) = Use(checkpoint, vision => vision.EncodeStill(new float[3 * rows * columns], rows, columns));
            // The frames of a still are joined on a few numbers a cell, which the trace leaves out.
            var cells = (long)sizeof(float) * height * width * config.Vision.LatentChannels * (6 * config.Vision.TemporalFactor);
            Assert.InRange(taken, VisionTrace.OfEncoding(config.Vision, rows, columns).PlaneBytes, VisionTrace.OfEncoding(config.Vision, rows, columns).PlaneBytes + cells);
        }
    }

    private static (Emu3Config Config, long Bytes) Use(string checkpoint, Action<CpuVisionTokenizer> use)
    {
        var folder = ModelFolder.Open(checkpoint);
        var config = ConfigReader.Read(folder);
        using var files = CheckpointFiles.Open(folder);
        using var reader = new CpuWeightReader(files);
        using var threads = new CpuThreads(CpuKernels.Fastest, 1, heads: 1, headDim: 16);
        using var vision = new CpuVisionTokenizer(reader, config.Vision, config.Pixels, threads);
        use(vision);
        return (config, vision.PeakBytes);
    }
}
