namespace Emu3.Inference.Cpu.Vision;

/// <summary>BatchNorm with the running statistics of the checkpoint, and the swish after it: one factor and one summand a channel.</summary>
internal sealed unsafe class CpuBatchNorm : IDisposable
{
    private const float Epsilon = 1e-5f;

    private readonly NativeFloats centreFactorShift; // [3, channels]
    private readonly int channels;

    public CpuBatchNorm(CpuWeightReader reader, string name, int channels)
    {
        this.channels = channels;
        var (weight, bias) = (reader.Vector($"{name}.weight", channels), reader.Vector($"{name}.bias", channels));
        var (mean, variance) = (reader.Vector($"{name}.running_mean", channels), reader.Vector($"{name}.running_var", channels));
        centreFactorShift = new NativeFloats(3L * channels);
        for (var channel = 0; channel < channels; channel++)
        {
            var factor = weight.Address[channel] / MathF.Sqrt(variance.Address[channel] + Epsilon);
            (centreFactorShift.Address[channels + channel], centreFactorShift.Address[2 * channels + channel]) = (factor, bias.Address[channel] - mean.Address[channel] * factor);
        }
    }

    /// <summary>Swish alone: no norm.</summary>
    public CpuBatchNorm(int channels)
    {
        this.channels = channels;
        centreFactorShift = new NativeFloats(3L * channels);
        centreFactorShift.Span.Slice(channels, channels).Fill(1);
    }

    /// <param name="computer">That computes.</param>
    /// <param name="x">Frames; are not disposed of.</param>
    public Plane[] Forward(VisionComputer computer, Plane[] x) => [.. x.Select(frame =>
    {
        var result = computer.Planes.Rent(frame.Height, frame.Width, channels);
        computer.Kernels.Condition(
            frame.Start, centreFactorShift.Address, centreFactorShift.Address + channels, centreFactorShift.Address + 2 * channels, result.Start, channels,
            frame.Height * frame.Width, swish: true);
        return result;
    })];

    public void Dispose() => centreFactorShift.Dispose();
}
