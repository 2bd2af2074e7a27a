using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu3.Inference.Cpu.Vision;

/// <summary>Mean and 1 / √(variance + ε) of each group of channels. Pixels of a row are added in float32, rows in float64, groups last: one order whatever the threads.</summary>
internal static unsafe class GroupMoments
{
    private const int GroupCount = 32, Step = 8;
    private const double Epsilon = 1e-6;

    /// <param name="computer">That computes.</param>
    /// <param name="x">Its channels are a multiple of 32.</param>
    /// <param name="mean">[channels]</param>
    /// <param name="factor">[channels]</param>
    public static void Compute(VisionComputer computer, Plane x, float* mean, float* factor)
    {
        var sums = computer.Planes.Take((long)x.Height * x.Channels);
        GroupMeans(computer, x, sums.Address, around: null, mean);
        GroupMeans(computer, x, sums.Address, mean, factor);
        for (var channel = 0; channel < x.Channels; channel++)
            factor[channel] = (float)(1 / Math.Sqrt(factor[channel] + Epsilon));
        computer.Planes.Return(sums);
    }

    /// <summary>The mean over a group's pixels and channels of x, or of (x − <paramref name="around"/>)², for each of its channels.</summary>
    private static void GroupMeans(VisionComputer computer, Plane x, float* sums, float* around, float* means)
    {
        var channels = x.Channels;
        computer.Threads.For(x.Height, (long)x.Width * channels / 4, (from, to, _) =>
        {
            for (var row = from; row < to; row++)
                Sum(x.Row(row), x.Width, channels, around, sums + (nint)row * channels);
        });
        var groupSize = channels / GroupCount;
        for (var group = 0; group < channels; group += groupSize)
        {
            var total = 0.0;
            for (var channel = group; channel < group + groupSize; channel++)
                for (var row = 0; row < x.Height; row++)
                    total += sums[(nint)row * channels + channel];
            new Span<float>(means + group, groupSize).Fill((float)(total / ((double)groupSize * x.Height * x.Width)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum(float* pixel, int width, int channels, float* around, float* sums)
    {
        new Span<float>(sums, channels).Clear();
        for (var column = 0; column < width; column++, pixel += channels)
            for (var channel = 0; channel < channels; channel += Step)
            {
                var value = Vector256.Load(pixel + channel);
                if (around is not null)
                {
                    value -= Vector256.Load(around + channel);
                    value *= value;
                }
                (Vector256.Load(sums + channel) + value).Store(sums + channel);
            }
    }
}
