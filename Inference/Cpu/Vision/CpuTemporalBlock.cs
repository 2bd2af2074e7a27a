namespace Emu3.Inference.Cpu.Vision;

/// <summary>BatchNorm, swish, causal 3×3×3 convolution, twice, plus the input.</summary>
internal sealed unsafe class CpuTemporalBlock : IDisposable
{
    private readonly CpuBatchNorm norm1, norm2;
    private readonly CpuCausalConvolution conv1, conv2;

    public CpuTemporalBlock(CpuWeightReader reader, string name, int channels)
    {
        (norm1, norm2) = (new(reader, $"{name}.norm1", channels), new(reader, $"{name}.norm2", channels));
        (conv1, conv2) = (new(reader, $"{name}.conv1", channels, channels, 3, 3), new(reader, $"{name}.conv2", channels, channels, 3, 3));
    }

    /// <param name="computer">That computes.</param>
    /// <param name="x">Frames; are not disposed of.</param>
    public Plane[] Forward(VisionComputer computer, Plane[] x)
    {
        var middle = NormedConvolution(computer, norm1, conv1, x);
        var result = NormedConvolution(computer, norm2, conv2, middle);
        middle.DisposeAll();
        for (var frame = 0; frame < x.Length; frame++)
            for (var i = 0L; i < result[frame].ByteCount / sizeof(float); i++)
                result[frame].Start[i] += x[frame].Start[i];
        return result;
    }

    public void Dispose()
    {
        foreach (var part in (IDisposable[])[norm1, norm2, conv1, conv2])
            part.Dispose();
    }

    private static Plane[] NormedConvolution(VisionComputer computer, CpuBatchNorm norm, CpuCausalConvolution conv, Plane[] x)
    {
        var normed = norm.Forward(computer, x);
        var result = conv.Forward(computer, normed);
        normed.DisposeAll();
        return result;
    }
}
