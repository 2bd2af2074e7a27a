using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Tests.Unit.Inference.Cpu;

[Trait("Suite", "Fast")]
public sealed unsafe class VisionKernelTests
{
    [Theory]
    [InlineData(4, true)]
    [InlineData(32, false)]
    [InlineData(96, true)]
    public void Condition_GivesTheDefinition_WithTheSameBitsOnEveryPath(int channels, bool swish)
    {
        const int pixels = 5;
        var random = new Random(channels);
        using var x = Floats.Random(random, pixels * channels, 40);
        using var mean = Floats.Random(random, channels);
        using var factor = Floats.Random(random, channels, 3);
        using var shift = Floats.Random(random, channels);
        RequireEqual(pixels * channels, (kernels, to) => kernels.Condition(x.Address, mean.Address, factor.Address, shift.Address, to, channels, pixels, swish), i =>
        {
            var value = ((double)x.Address[i] - mean.Address[i % channels]) * factor.Address[i % channels] + shift.Address[i % channels];
            return swish ? value / (1 + Math.Exp(-value)) : value;
        }, 2e-5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(77)]
    [InlineData(1000)]
    public void Softmax_GivesTheDefinition_WithTheSameBitsOnEveryPath(int count)
    {
        using var scores = Floats.Random(new Random(count), count, 50);
        var weights = scores.Span.ToArray().Select(score => Math.Exp(score * 0.25f)).ToArray();
        RequireEqual(count, (kernels, to) =>
        {
            scores.Span.CopyTo(new Span<float>(to, count));
            kernels.Softmax(to, count, 0.25f);
        }, i => weights[i] / weights.Sum(), 1e-6);
    }

    [Fact]
    public void Nearest_TakesTheFirstOfEquals_OnEveryPath()
    {
        const int count = 64, dimension = 4;
        using var columns = new NativeFloats(dimension * count);
        using var squares = new NativeFloats(count);
        using var cell = new NativeFloats(dimension);
        squares.Span.Fill(float.PositiveInfinity); // behind the last vector there is none
        for (var i = 0; i < 61; i++)
        {
            // Vectors 5 and 21 lie in one lane of AVX-512, 5 and 29 in different ones of every path but are the same.
            columns.Address[i] = i is 5 or 21 or 29 ? 1 : 10 + i;
            squares.Address[i] = columns.Address[i] * columns.Address[i];
        }
        cell.Address[0] = 1.25f;
        Assert.All(CpuKernels.All, kernels => Assert.Equal(5, kernels.Nearest(cell.Address, columns.Address, squares.Address, dimension, count)));
        cell.Address[0] = 1000;
        Assert.All(CpuKernels.All, kernels => Assert.Equal(60, kernels.Nearest(cell.Address, columns.Address, squares.Address, dimension, count)));
    }

    private delegate void Kernel(ICpuKernels kernels, float* to);

    private static void RequireEqual(int count, Kernel run, Func<int, double> expected, double tolerance)
    {
        using var first = new NativeFloats(count);
        using var other = new NativeFloats(count);
        run(CpuKernels.Fastest, first.Address);
        for (var i = 0; i < count; i++)
            Assert.Equal(expected(i), first.Address[i], tolerance * (1 + Math.Abs(expected(i))));
        foreach (var kernels in CpuKernels.All)
        {
            run(kernels, other.Address);
            Assert.Equal(Floats.Bits(first.Span), Floats.Bits(other.Span));
        }
    }
}
