using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Tests.Unit.Inference.Cpu;

[Trait("Suite", "Fast")]
public sealed unsafe class RowKernelTests
{
    public static TheoryData<int> Counts => [1, 15, 16, 33, 64, 704, 4096];

    [Theory, MemberData(nameof(Counts))]
    public void Normalise_GivesTheDefinition_WithTheSameBitsOnEveryPath(int count)
    {
        var random = new Random(count);
        using var x = Floats.Random(random, count, 3);
        using var weight = Floats.Random(random, count);
        RequireEqual(count, (kernels, to) => kernels.Normalise(x.Address, weight.Address, to, count, 1e-5f), i =>
        {
            var square = 0.0;
            foreach (var value in x.Span)
                square += (double)value * value;
            return x.Address[i] / Math.Sqrt(square / count + 1e-5f) * weight.Address[i];
        });
    }

    [Theory, MemberData(nameof(Counts))]
    public void SiluTimes_GivesTheDefinition_WithTheSameBitsOnEveryPath(int count)
    {
        var random = new Random(count);
        using var gate = Floats.Random(random, count, 20);
        using var up = Floats.Random(random, count);
        RequireEqual(count, (kernels, to) => kernels.SiluTimes(gate.Address, up.Address, to, count),
            i => gate.Address[i] / (1 + Math.Exp(-gate.Address[i])) * up.Address[i]);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(24)]
    [InlineData(32)]
    [InlineData(128)]
    public void Turn_GivesTheReferencesRotation_WithTheSameBitsOnEveryPath(int headDim)
    {
        const float theta = 1_000_000f;
        const int position = 4711;
        var half = headDim / 2;
        using var table = new RotaryTable(position + 1, headDim, theta);
        using var head = Floats.Random(new Random(headDim), headDim);
        RequireEqual(headDim, (kernels, to) => kernels.Turn(head.Address, table.Cosine(position), table.Sine(position), half, 0.25f, to), i =>
        {
            var angle = (double)(position * (1f / MathF.Pow(theta, 2f * (i % half) / headDim)));
            var (same, other) = (head.Address[i], head.Address[(i + half) % headDim]);
            return (same * Math.Cos(angle) + (i < half ? -other : other) * Math.Sin(angle)) * 0.25;
        });
    }

    private delegate void Kernel(ICpuKernels kernels, float* to);

    private static void RequireEqual(int count, Kernel run, Func<int, double> expected)
    {
        using var first = new NativeFloats(count);
        using var other = new NativeFloats(count);
        run(CpuKernels.Fastest, first.Address);
        for (var i = 0; i < count; i++)
            Assert.Equal(expected(i), first.Address[i], 2e-6 * (1 + Math.Abs(expected(i))));
        foreach (var kernels in CpuKernels.All)
        {
            run(kernels, other.Address);
            Assert.Equal(Floats.Bits(first.Span), Floats.Bits(other.Span));
        }
    }
}
