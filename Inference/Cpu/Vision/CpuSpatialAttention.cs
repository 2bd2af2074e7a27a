using System.Runtime.InteropServices;
using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Inference.Cpu.Vision;

/// <summary>
/// Every cell of a picture attends to every other: norm, attention, projection, plus the input. Some rows of scores at a time; both products are ours, with the
/// keys as weights of the one, and the values, transposed, as weights of the other.
/// </summary>
internal sealed unsafe class CpuSpatialAttention : IDisposable
{
    /// <summary>Rows of scores at a time.</summary>
    public const int RowsTogether = 64;

    private readonly CpuNorm norm;
    private readonly WeightMatrix query, key, output;
    private readonly CpuTensor valueKernel;
    private readonly NativeFloats valueBias;
    private readonly int channels, headCount;
    private NativeFloats? value; // [channels, channels], to be multiplied from the other side

    public CpuSpatialAttention(CpuWeightReader reader, string name, int channels, int headCount, NormLoader loadNorm)
    {
        (this.channels, this.headCount) = (channels, headCount);
        norm = loadNorm($"{name}.norm", channels);
        (query, key, output) = (Linear("q"), Linear("k"), Linear("proj_out"));
        valueKernel = reader.Tensor($"{name}.v.weight", channels, channels);
        valueBias = reader.Vector($"{name}.v.bias", channels);

        WeightMatrix Linear(string part) => reader.Matrix($"{name}.{part}.weight", channels, channels, $"{name}.{part}.bias");
    }

    /// <param name="computer">That computes.</param>
    /// <param name="x">Is not disposed of.</param>
    /// <param name="cells">The latent picture; null in the encoder.</param>
    public Plane Forward(VisionComputer computer, Plane x, Plane? cells)
    {
        var count = x.Height * x.Width;
        using var normed = computer.Planes.Rent(x.Height, x.Width, channels);
        norm.Forward(computer, x, cells, normed, swish: false);
        using var queries = CpuResidualBlock.Pixelwise(computer, query, normed);
        using var keys = CpuResidualBlock.Pixelwise(computer, key, normed);
        var values = Values(computer, normed, count);
        using var mixed = computer.Planes.Rent(x.Height, x.Width, channels);
        for (var head = 0; head < headCount; head++)
            Mix(computer, head * (channels / headCount), queries, keys, values, mixed, count);
        computer.Planes.Return(values);
        var result = computer.Planes.Rent(x.Height, x.Width, channels);
        Buffer.MemoryCopy(x.Start, result.Start, result.ByteCount, result.ByteCount);
        computer.MultiplyBands(output.Times(mixed.Start, count, result.Start, channels, accumulates: true));
        return result;
    }

    public void Dispose()
    {
        norm.Dispose();
        value?.Dispose();
    }

    /// <summary>[channels, cells]: the cells are the weights of this product, and the matrix its rows.</summary>
    private NativeFloats Values(VisionComputer computer, Plane normed, int count)
    {
        value ??= valueKernel.ToFloats();
        var values = computer.Planes.Take((long)channels * count);
        computer.Threads.Multiply(new Product
        {
            Weights = (byte*)normed.Start,
            Type = WeightType.Single,
            Inputs = channels,
            Outputs = count,
            X = value.Address,
            XStride = channels,
            Rows = channels,
            Y = values.Address,
            YStride = count,
        });
        for (var channel = 0; channel < channels; channel++)
            for (var cell = 0; cell < count; cell++)
                values.Address[(nint)channel * count + cell] += valueBias.Address[channel];
        return values;
    }

    /// <summary>One head of all rows, some at a time.</summary>
    private void Mix(VisionComputer computer, int first, Plane queries, Plane keys, NativeFloats values, Plane mixed, int count)
    {
        var headDim = channels / headCount;
        var scale = (float)(1 / Math.Sqrt(headDim));
        var scores = computer.Planes.Take((long)RowsTogether * count);
        var headKeys = Head(computer, keys, first, headDim, count);
        for (var row = 0; row < count; row += RowsTogether)
        {
            var (rows, start) = (Math.Min(RowsTogether, count - row), row);
            computer.Threads.Multiply(new Product
            {
                Weights = (byte*)headKeys.Address,
                Type = WeightType.Single,
                Inputs = headDim,
                Outputs = count,
                X = queries.Start + (nint)row * channels + first,
                XStride = channels,
                Rows = rows,
                Y = scores.Address,
                YStride = count,
            });
            computer.Threads.For(rows, count * 2L, (from, to, _) =>
            {
                for (var i = from; i < to; i++)
                    computer.Kernels.Softmax(scores.Address + (nint)i * count, count, scale);
            });
            computer.Threads.Multiply(new Product
            {
                Weights = (byte*)(values.Address + (nint)first * count),
                Type = WeightType.Single,
                Inputs = count,
                Outputs = headDim,
                X = scores.Address,
                XStride = count,
                Rows = rows,
                Y = mixed.Start + (nint)start * channels + first,
                YStride = channels,
            });
        }
        computer.Planes.Return(headKeys);
        computer.Planes.Return(scores);
    }

    /// <summary>The keys of one head behind each other: [cells, headDim].</summary>
    private NativeFloats Head(VisionComputer computer, Plane keys, int first, int headDim, int count)
    {
        var head = computer.Planes.Take((long)count * headDim);
        for (var cell = 0; cell < count; cell++)
            NativeMemory.Copy(keys.Start + (nint)cell * channels + first, head.Address + (nint)cell * headDim, (nuint)headDim * sizeof(float));
        return head;
    }
}
