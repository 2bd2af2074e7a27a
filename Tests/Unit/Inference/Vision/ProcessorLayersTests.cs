using CsCheck;
using Emu3.Inference.Model;
using Emu3.Inference.Vision;
using Emu3.Inference.Weights;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Emu3.Tests.Unit.Inference.Vision;

[Trait("Suite", "Fast")]
public sealed unsafe class ProcessorLayersTests
{
    public ProcessorLayersTests() => TorchNative.EnsureLoaded();

    [Fact]
    public void Winograd_AnyShape_EqualsTheConvolution() =>
        Gen.Select(Gen.Int[1, 13], Gen.Int[1, 13], Gen.Int[1, 4], Gen.Int[1, 4], Gen.Bool).Sample((height, width, inSteps, outSteps, accumulate) =>
        {
            using var scope = NewDisposeScope();
            var (inChannels, outChannels) = (8 * inSteps, 8 * outSteps);
            var x = randn(1, inChannels, height, width);
            var (kernel, bias, summand) = (randn(outChannels, inChannels, 3, 3), randn(outChannels), randn(1, outChannels, height, width));
            var expected = F.conv2d(x, kernel, bias, padding: [1, 1]);
            if (accumulate)
                expected = expected.add(summand, Numbers.One);

            var (tileRows, tileColumns) = (Winograd.TileCount(height), Winograd.TileCount(width));
            var padded = F.pad(x, [1, 4 * tileColumns + 1 - width, 1, 4 * tileRows + 1 - height]).permute(0, 2, 3, 1).contiguous();
            var rows = tileRows * tileColumns + 1;
            var windows = zeros(Winograd.ProductCount, rows, inChannels);
            fixed (byte* from = padded.bytes, to = windows.bytes)
                Winograd.TransformWindows((float*)from, tileRows, tileColumns, inChannels, (float*)to, rows);
            var products = windows.bmm(Convolution2d.TransformKernel(kernel));
            var found = summand.permute(0, 2, 3, 1).clone().contiguous();
            fixed (byte* from = products.bytes, added = bias.bytes, to = found.bytes)
                Winograd.TransformProducts((float*)from, rows, (float*)added, (float*)to, height, width, outChannels, accumulate);

            RequireClose(expected, found.permute(0, 3, 1, 2), 1e-3);
        }, iter: 40, threads: 1);

    [Theory]
    [InlineData(32, 1, 1, 1, true)]
    [InlineData(32, 3, 5, 8, true)]
    [InlineData(96, 2, 4, 2, false)]
    [InlineData(128, 4, 3, 4, true)]
    public void SpatialNormKernel_FarFromZero_EqualsGroupNormThenConditioning(int channels, int cellRows, int cellColumns, int factor, bool swish)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (cellRows * factor, cellColumns * factor);
        using TorchSharp.Scalar deviation = 3, centre = 20, cellDeviation = 4;
        var x = randn(1, channels, height, width).mul_(deviation).add_(centre, Numbers.One); // a mean that would swamp E[x²] − E[x]²
        var cells = randn(new long[] { cellRows, cellColumns, 2 * channels }).mul_(cellDeviation);
        var resized = F.interpolate(cells.permute(2, 0, 1).unsqueeze(0), size: [height, width]);
        var expected = F.group_norm(x, GroupNorm.GroupCount, eps: GroupNorm.Epsilon) * resized.narrow(1, 0, channels);
        expected.add_(resized.narrow(1, channels, channels), Numbers.One);
        if (swish)
            expected = F.silu(expected);

        var picture = x.permute(0, 2, 3, 1).contiguous();
        var (found, folded, means) = (empty_like(picture), cells.clone(), empty(channels));
        fixed (byte* from = picture.bytes, cell = folded.bytes, mean = means.bytes, to = found.bytes)
        {
            SpatialNormKernel.Fold((float*)from, height, width, channels, (float*)mean, (float*)cell, cellRows * cellColumns);
            SpatialNormKernel.Apply((float*)from, height, width, channels, (float*)mean, (float*)cell, cellRows, cellColumns, (float*)to, width * channels, swish);
        }
        RequireClose(expected, found.permute(0, 3, 1, 2), 2e-4);
    }

    [Fact]
    public void SpatialNormKernel_SwishOfExtremeValues_IsFinite()
    {
        var values = new float[] { -10_000, -1000, -100, -88, -20, -1, -1e-6f, 0, 1e-6f, 1, 20, 88, 100, 1000, 1e30f, -3 };
        var (picture, found, means) = (new float[32], new float[32], new float[32]);
        values.CopyTo(picture, 0);
        var unchanged = new float[64]; // factor 1, shift 0
        Array.Fill(unchanged, 1, 0, 32);
        fixed (float* from = picture, cell = unchanged, mean = means, to = found)
            SpatialNormKernel.Apply(from, 1, 1, 32, mean, cell, 1, 1, to, 32, swish: true);
        for (var at = 0; at < values.Length; at++)
        {
            var expected = values[at] / (1 + Math.Exp(-(double)values[at]));
            Assert.InRange(found[at], expected - Math.Abs(expected) * 1e-6 - 1e-8, expected + Math.Abs(expected) * 1e-6 + 1e-8);
        }
    }

    private static void RequireClose(Tensor expected, Tensor found, double tolerance)
    {
        Assert.Equal(expected.shape, found.shape);
        var difference = (expected - found).abs().max().item<float>();
        Assert.True(difference <= tolerance, $"largest difference {difference}");
    }
}
