using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Inference.Cpu.Vision;

/// <summary>
/// GroupNorm, in the decoder conditioned by the latent picture: GroupNorm(x) · Y(q) + B(q), with scale and shift computed for each latent cell once, not for each pixel.
/// GroupNorm's own weight γ and bias β go into the two 1×1 convolutions: (n·γ + β)·(Y·q + y) + B·q + b = n·(γY·q + γy) + (βY + B)·q + (βy + b).
/// </summary>
internal sealed unsafe class CpuNorm : IDisposable
{
    private readonly NativeFloats scaleAndShift; // [2 · channels, cell] in the decoder: matrices over a cell's numbers
    private readonly NativeFloats bias; // [2 · channels]
    private readonly int channels, cellChannels;

    private CpuNorm(NativeFloats scaleAndShift, NativeFloats bias, int channels, int cellChannels) =>
        (this.scaleAndShift, this.bias, this.channels, this.cellChannels) = (scaleAndShift, bias, channels, cellChannels);

    /// <summary>The encoder's: the same scale and shift everywhere.</summary>
    public static CpuNorm Plain(CpuWeightReader reader, string name, int channels)
    {
        var (weight, shift) = (reader.Vector($"{name}.weight", channels), reader.Vector($"{name}.bias", channels));
        var both = new NativeFloats(2L * channels);
        weight.Span.CopyTo(both.Span);
        shift.Span.CopyTo(both.Span[channels..]);
        return new CpuNorm(new NativeFloats(0), both, channels, cellChannels: 0);
    }

    /// <summary>The decoder's.</summary>
    public static CpuNorm Spatial(CpuWeightReader reader, string name, int channels, int cellChannels)
    {
        var (gamma, beta) = (reader.Vector($"{name}.norm_layer.weight", channels), reader.Vector($"{name}.norm_layer.bias", channels));
        var (y, b) = (reader.Tensor($"{name}.conv_y.weight", channels, cellChannels, 1, 1), reader.Tensor($"{name}.conv_b.weight", channels, cellChannels, 1, 1));
        var (yBias, bBias) = (reader.Vector($"{name}.conv_y.bias", channels), reader.Vector($"{name}.conv_b.bias", channels));
        var (matrix, bias) = (new NativeFloats(2L * channels * cellChannels), new NativeFloats(2L * channels));
        for (var channel = 0; channel < channels; channel++)
        {
            var (g, o) = (gamma.Address[channel], beta.Address[channel]);
            for (var i = channel * cellChannels; i < (channel + 1) * cellChannels; i++)
                (matrix.Address[i], matrix.Address[channels * cellChannels + i]) = (g * y[i], o * y[i] + b[i]);
            (bias.Address[channel], bias.Address[channels + channel]) = (g * yBias.Address[channel], o * yBias.Address[channel] + bBias.Address[channel]);
        }
        return new CpuNorm(matrix, bias, channels, cellChannels);
    }

    /// <summary>The norm of a picture, and its swish if asked for, into the middle of a padded picture of the same size or into a plain one.</summary>
    /// <param name="computer">That computes.</param>
    /// <param name="x">Its height and width are multiples of the cells'.</param>
    /// <param name="cells">The latent picture; null in the encoder.</param>
    /// <param name="target">Gets the result.</param>
    /// <param name="swish">Whether v becomes v / (1 + e⁻ᵛ).</param>
    public void Forward(VisionComputer computer, Plane x, Plane? cells, Plane target, bool swish)
    {
        var (cellRows, cellColumns) = (cells?.Height ?? 1, cells?.Width ?? 1);
        var conditioning = Conditioning(computer, cells);
        var moments = computer.Planes.Take(2L * channels);
        GroupMoments.Compute(computer, x, moments.Address, moments.Address + channels);
        var (cellHeight, cellWidth) = (x.Height / cellRows, x.Width / cellColumns);
        for (var cell = 0; cell < cellRows * cellColumns; cell++)
            for (var channel = 0; channel < channels; channel++)
                conditioning.Address[(nint)cell * 2 * channels + channel] *= moments.Address[channels + channel];
        computer.Threads.For(x.Height, (long)x.Width * channels * 2, (from, to, _) =>
        {
            for (var row = from; row < to; row++)
                for (var column = 0; column < x.Width; column += cellWidth)
                {
                    var factor = conditioning.Address + ((nint)(row / cellHeight) * cellColumns + column / cellWidth) * 2 * channels;
                    computer.Kernels.Condition(
                        x.Row(row) + (nint)column * channels, moments.Address, factor, factor + channels, target.Row(row) + (nint)column * channels, channels, cellWidth, swish);
                }
        });
        computer.Planes.Return(moments);
        computer.Planes.Return(conditioning);
    }

    public void Dispose()
    {
        scaleAndShift.Dispose();
        bias.Dispose();
    }

    /// <summary>[cells, 2 · channels]</summary>
    private NativeFloats Conditioning(VisionComputer computer, Plane? cells)
    {
        var count = (cells?.Height ?? 1) * (cells?.Width ?? 1);
        var conditioning = computer.Planes.Take(2L * channels * count);
        if (cells is null)
            bias.Span.CopyTo(new Span<float>(conditioning.Address, 2 * channels));
        else
            computer.Threads.Multiply(new Product
            {
                Weights = (byte*)scaleAndShift.Address,
                Type = WeightType.Single,
                Inputs = cellChannels,
                Outputs = 2 * channels,
                X = cells.Start,
                XStride = cellChannels,
                Rows = count,
                Y = conditioning.Address,
                YStride = 2 * channels,
                Bias = bias.Address,
            });
        return conditioning;
    }
}
