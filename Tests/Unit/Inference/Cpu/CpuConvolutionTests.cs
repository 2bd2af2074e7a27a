using CsCheck;
using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Cpu.Vision;
using Emu3.Inference.Model;
using Emu3.Inference.Weights;
using Emu3.Tests.Unit.Inference.Weights;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Tests.Unit.Inference.Cpu;

/// <summary>Convolutions on our own kernels against libtorch's, and with the same bits on every path.</summary>
[Trait("Suite", "Fast")]
public sealed unsafe class CpuConvolutionTests : IDisposable
{
    private readonly SmallCheckpoint checkpoint = new();

    public CpuConvolutionTests() => TorchNative.EnsureLoaded();

    public void Dispose() => checkpoint.Dispose();

    /// <summary>Sizes on both sides of where Winograd's transform begins, and channels that it can't take.</summary>
    [Fact]
    public void Forward_AnyShape_EqualsTheConvolution() =>
        Gen.Select(Gen.Int[1, 18], Gen.Int[1, 18], Gen.OneOf(3, 4, 16, 32), Gen.OneOf(3, 8, 40), Gen.Bool, Gen.Bool).Sample((height, width, inChannels, outChannels, accumulates, halves) =>
        {
            using var scope = NewDisposeScope();
            var stride = halves ? 2 : 1;
            (height, width) = (height * stride, width * stride);
            var (kernel, bias) = (randn(outChannels, inChannels, 3, 3), randn(outChannels));
            var (x, summand) = (randn(1, inChannels, height, width), randn(1, outChannels, height / stride, width / stride));
            var expected = halves ? F.conv2d(F.pad(x, [0, 1, 0, 1]), kernel, bias, strides: [2, 2]) : F.conv2d(x, kernel, bias, padding: [1, 1]);
            expected = (accumulates ? expected.add(summand, Numbers.One) : expected).permute(0, 2, 3, 1).contiguous();
            checkpoint.Write("model.safetensors", SafetensorsBytes.Of(
                ("vqmodel.c.weight", [outChannels, inChannels, 3, 3], kernel.data<float>().ToArray()), ("vqmodel.c.bias", [outChannels], bias.data<float>().ToArray())));
            float[]? first = null;
            foreach (var kernels in CpuKernels.All)
            {
                var found = Run(kernels, Inner(x), accumulates ? Inner(summand) : null, inChannels, outChannels, height, width, stride);
                first ??= found;
                Assert.Equal(Floats.Bits(first), Floats.Bits(found));
            }
            var values = expected.data<float>().ToArray();
            Assert.All(values.Zip(first!), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
        }, iter: 25, threads: 1);

    private static float[] Inner(Tensor x) => x.permute(0, 2, 3, 1).contiguous().data<float>().ToArray(); // [height, width, channels]

    private float[] Run(ICpuKernels kernels, float[] x, float[]? summand, int inChannels, int outChannels, int height, int width, int stride)
    {
        using var files = CheckpointFiles.Open(checkpoint.Folder);
        using var reader = new CpuWeightReader(files);
        using var threads = new CpuThreads(kernels, 2, 1, 16);
        using var computer = new VisionComputer(threads);
        using var conv = new CpuConvolution(reader, "vision.c", inChannels, outChannels, stride);
        using var padded = computer.Planes.RentPadded(height, width, inChannels);
        for (var row = 0; row < height; row++)
            x.AsSpan(row * width * inChannels, width * inChannels).CopyTo(new Span<float>(padded.Row(row), width * inChannels));
        using var added = summand is null ? null : computer.Planes.Rent(height / stride, width / stride, outChannels);
        if (added is not null)
            summand.CopyTo(new Span<float>(added.Start, summand!.Length));
        using var result = conv.Forward(computer, padded, added);
        return new Span<float>(result.Start, height / stride * (width / stride) * outChannels).ToArray();
    }
}
