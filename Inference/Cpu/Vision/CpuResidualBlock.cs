namespace Emu3.Inference.Cpu.Vision;

/// <summary>Norm, swish, 3×3 convolution, twice, plus the input (through <c>nin_shortcut</c> where the channels change).</summary>
internal sealed class CpuResidualBlock : IDisposable
{
    private readonly CpuNorm norm1, norm2;
    private readonly CpuConvolution conv1, conv2;
    private readonly WeightMatrix? shortcut;

    public CpuResidualBlock(CpuWeightReader reader, string name, int inChannels, int outChannels, NormLoader loadNorm)
    {
        (norm1, norm2) = (loadNorm($"{name}.norm1", inChannels), loadNorm($"{name}.norm2", outChannels));
        (conv1, conv2) = (new(reader, $"{name}.conv1", inChannels, outChannels), new(reader, $"{name}.conv2", outChannels, outChannels));
        shortcut = inChannels == outChannels ? null : reader.Convolution1x1($"{name}.nin_shortcut", outChannels, inChannels);
    }

    /// <param name="computer">That computes.</param>
    /// <param name="x">Is not disposed of.</param>
    /// <param name="cells">The latent picture; null in the encoder.</param>
    public Plane Forward(VisionComputer computer, Plane x, Plane? cells)
    {
        using var middle = NormedConvolution(computer, norm1, conv1, x, cells, summand: null);
        if (shortcut is null)
            return NormedConvolution(computer, norm2, conv2, middle, cells, x);
        using var widened = Pixelwise(computer, shortcut, x);
        return NormedConvolution(computer, norm2, conv2, middle, cells, widened);
    }

    /// <summary>conv(swish(norm(x))), plus a summand if there is one.</summary>
    public static Plane NormedConvolution(VisionComputer computer, CpuNorm norm, CpuConvolution conv, Plane x, Plane? cells, Plane? summand)
    {
        using var padded = computer.Planes.RentPadded(x.Height, x.Width, x.Channels);
        norm.Forward(computer, x, cells, padded, swish: true);
        return conv.Forward(computer, padded, summand);
    }

    public void Dispose()
    {
        foreach (var part in (IDisposable[])[norm1, norm2, conv1, conv2])
            part.Dispose();
    }

    /// <summary>A linear layer of each pixel.</summary>
    internal static unsafe Plane Pixelwise(VisionComputer computer, WeightMatrix weights, Plane x)
    {
        var result = computer.Planes.Rent(x.Height, x.Width, weights.Outputs);
        computer.MultiplyBands(weights.Times(x.Start, x.Height * x.Width, result.Start, weights.Outputs));
        return result;
    }
}
