using Emu3.Inference.Cpu;
using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Tests.Unit.Inference.Cpu;

[Trait("Suite", "Fast")]
public sealed unsafe class ProductKernelTests
{
    internal static readonly string[] s_types = ["BFloat16", "Half", "Single"];

    public static TheoryData<string, int> TypesAndInputs
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var type in s_types)
                foreach (var inputs in (int[])[5, 64, 176, 1040, 2063])
                    data.Add(type, inputs);
            return data;
        }
    }

    /// <summary>Every path, every number of rows, any part of the outputs: the bits of a plain loop.</summary>
    [Theory, MemberData(nameof(TypesAndInputs))]
    public void Run_AnyPathRowsAndPart_GivesTheBitsOfAPlainLoop(string typeName, int inputs)
    {
        const int outputs = 53, mostRows = 33;
        var type = Enum.Parse<WeightType>(typeName);
        var random = new Random(inputs);
        using var weights = Weights(random, type, outputs * inputs);
        using var x = Floats.Random(random, mostRows * inputs);
        using var bias = Floats.Random(random, outputs);
        using var y = new NativeFloats(mostRows * outputs + 16);
        var expected = new float[mostRows * outputs];
        for (var row = 0; row < mostRows; row++)
            for (var output = 0; output < outputs; output++)
                expected[row * outputs + output] = Plain((byte*)weights.Address, type, output, x.Address + row * inputs, inputs);

        foreach (var kernels in CpuKernels.All)
        {
            using var scratch = new NativeFloats(kernels.ScratchCount(1, 16));
            foreach (var rows in kernels == CpuKernels.Fastest ? Enumerable.Range(1, mostRows) : [1, 2, 3, 5, 9, 33])
            {
                y.Span.Fill(float.NaN);
                var matrix = new WeightMatrix((byte*)weights.Address, type, outputs, inputs, bias: null);
                var product = matrix.Times(x.Address, rows, y.Address, outputs);
                kernels.Multiply(product, 0, 24, scratch.Address);
                kernels.Multiply(product, 24, outputs, scratch.Address);
                Assert.Equal(Floats.Bits(expected.AsSpan(0, rows * outputs)), Floats.Bits(y.Span[..(rows * outputs)]));
                Assert.All(y.Span[(rows * outputs)..].ToArray(), value => Assert.True(float.IsNaN(value), "it wrote behind its outputs"));

                product = new WeightMatrix((byte*)weights.Address, type, outputs, inputs, bias).Times(x.Address, rows, y.Address, outputs, accumulates: true);
                kernels.Multiply(product, 0, outputs, scratch.Address);
                for (var i = 0; i < rows * outputs; i++)
                    Assert.Equal(expected[i] + (expected[i] + bias.Address[i % outputs]), y.Address[i]);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Multiply_AnyThreads_GivesTheSameBits(int count)
    {
        var random = new Random(1);
        using var first = Weights(random, WeightType.BFloat16, 700 * 256);
        using var second = Weights(random, WeightType.BFloat16, 64 * 256);
        using var x = Floats.Random(random, 20 * 256);
        using var y = new NativeFloats(20 * 764);
        using var alone = new NativeFloats(20 * 764);
        Multiply(1, alone);
        Multiply(count, y);
        Assert.Equal(Floats.Bits(alone.Span), Floats.Bits(y.Span));

        void Multiply(int threadCount, NativeFloats to)
        {
            using var threads = new CpuThreads(CpuKernels.Fastest, threadCount, 1, 16);
            threads.Multiply(
                new WeightMatrix((byte*)first.Address, WeightType.BFloat16, 700, 256, null).Times(x.Address, 20, to.Address, 764),
                new WeightMatrix((byte*)second.Address, WeightType.BFloat16, 64, 256, null).Times(x.Address, 20, to.Address + 700, 764));
        }
    }

    /// <summary>Fewer outputs than parts that the work is worth: what a picture of one cell makes of attention at real widths.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void Multiply_FewOutputsAndMuchWork_EndsWithAllOfThem(int outputs)
    {
        const int inputs = 1024, rows = 1024;
        var random = new Random(outputs);
        using var weights = Weights(random, WeightType.Single, outputs * inputs);
        using var x = Floats.Random(random, rows * inputs);
        using var y = new NativeFloats(rows * outputs);
        using var threads = new CpuThreads(CpuKernels.Fastest, 2, 1, 16);
        threads.Multiply(new WeightMatrix((byte*)weights.Address, WeightType.Single, outputs, inputs, null).Times(x.Address, rows, y.Address, outputs));
        for (var i = 0; i < rows * outputs; i++)
            Assert.Equal(Plain((byte*)weights.Address, WeightType.Single, i % outputs, x.Address + i / outputs * inputs, inputs), y.Address[i]);
    }

    /// <summary>All 65,536 patterns, and .NET's own conversion.</summary>
    [Fact]
    public void Widen_EverySixteenBitNumber_IsExact()
    {
        const int count = 1 << 16;
        using var numbers = new NativeFloats(count / 2);
        using var wide = new NativeFloats(count);
        for (var i = 0; i < count; i++)
            ((ushort*)numbers.Address)[i] = (ushort)i;
        foreach (var kernels in CpuKernels.All)
        {
            kernels.Widen(WeightType.Half, (byte*)numbers.Address, wide.Address, count);
            for (var i = 0; i < count; i++)
                Assert.Equal((float)BitConverter.UInt16BitsToHalf((ushort)i), wide.Address[i]);
            kernels.Widen(WeightType.BFloat16, (byte*)numbers.Address, wide.Address, count - 3);
            for (var i = 0; i < count - 3; i++)
                Assert.Equal((uint)i << 16, BitConverter.SingleToUInt32Bits(wide.Address[i]));
        }
    }

    /// <summary>Sixteen lanes, one after the other, and the tree.</summary>
    private static float Plain(byte* weights, WeightType type, int output, float* x, int inputs)
    {
        var lanes = new float[16];
        for (var i = 0; i < inputs; i++)
        {
            var at = (long)output * inputs + i;
            var weight = type switch
            {
                WeightType.BFloat16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)weights)[at] << 16),
                WeightType.Half => (float)((Half*)weights)[at],
                _ => ((float*)weights)[at],
            };
            lanes[i % 16] = MathF.FusedMultiplyAdd(weight, x[i], lanes[i % 16]);
        }
        for (var width = 8; width >= 4; width /= 2)
            for (var i = 0; i < width; i++)
                lanes[i] += lanes[i + width];
        return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    }

    internal static NativeFloats Weights(Random random, WeightType type, int count)
    {
        var weights = new NativeFloats(type == WeightType.Single ? count : (count + 1) / 2);
        for (var i = 0; i < count; i++)
        {
            var value = (random.NextSingle() - 0.5f) * MathF.ScaleB(1, random.Next(-18, 3)); // small ones are denormal in float16
            if (type == WeightType.Single)
                weights.Address[i] = value;
            else
                ((ushort*)weights.Address)[i] = type == WeightType.Half
                    ? BitConverter.HalfToUInt16Bits((Half)value) : (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
        }
        return weights;
    }
}
