using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu3.Inference.Vision;

/// <summary>
/// A spatial norm, and the swish after it, for the processor: two passes for the moments, one for the values, eight channels at a time.
/// Pictures have their channels innermost.
/// </summary>
internal static unsafe class SpatialNormKernel
{
    private const int Step = 8;

    /// <summary>
    /// GroupNorm's mean of each channel, and its deviation folded into the conditioning of each cell, so that
    /// ((x − mean) / deviation) · scale + shift = (x − mean) · factor + shift.
    /// </summary>
    /// <param name="picture">[height, width, channels]</param>
    /// <param name="height">Rows of pixels.</param>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="channels">A multiple of 32.</param>
    /// <param name="mean">[channels], filled.</param>
    /// <param name="cells">[cellCount, 2 · channels]: scale and shift; scale becomes factor.</param>
    /// <param name="cellCount">Latent cells.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fold(float* picture, int height, int width, int channels, float* mean, float* cells, int cellCount)
    {
        GroupMeans(picture, height, width, channels, mean, around: null);
        var factors = new float[channels];
        fixed (float* factor = factors)
        {
            GroupMeans(picture, height, width, channels, factor, around: mean);
            for (var channel = 0; channel < channels; channel++)
                factor[channel] = (float)(1 / Math.Sqrt(factor[channel] + GroupNorm.Epsilon));
            for (var cell = 0; cell < cellCount; cell++)
            {
                var scale = cells + (nint)cell * 2 * channels;
                for (var channel = 0; channel < channels; channel += Step)
                    (Vector256.Load(scale + channel) * Vector256.Load(factor + channel)).Store(scale + channel);
            }
        }
    }

    /// <summary>(x − mean) · factor + shift, and its swish if asked for, into the middle of a larger picture.</summary>
    /// <param name="picture">[height, width, channels]</param>
    /// <param name="height">A multiple of <paramref name="cellRows"/>.</param>
    /// <param name="width">A multiple of <paramref name="cellColumns"/>.</param>
    /// <param name="channels">A multiple of 32.</param>
    /// <param name="mean">[channels], from <see cref="Fold"/>.</param>
    /// <param name="cells">[cellRows, cellColumns, 2 · channels], from <see cref="Fold"/>.</param>
    /// <param name="cellRows">Rows of latent cells.</param>
    /// <param name="cellColumns">Cells in a row.</param>
    /// <param name="target">Where the first pixel goes.</param>
    /// <param name="targetLine">From one row to the next there, in floats.</param>
    /// <param name="swish">Whether v becomes v / (1 + e⁻ᵛ).</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Apply(
        float* picture, int height, int width, int channels, float* mean, float* cells, int cellRows, int cellColumns, float* target, nint targetLine, bool swish)
    {
        var (cellHeight, cellWidth) = (height / cellRows, width / cellColumns);
        for (var row = 0; row < height; row++)
        {
            var from = picture + (nint)row * width * channels;
            var to = target + row * targetLine;
            for (var column = 0; column < width; column++, from += channels, to += channels)
            {
                var factor = cells + ((nint)(row / cellHeight) * cellColumns + column / cellWidth) * 2 * channels;
                var shift = factor + channels;
                for (var channel = 0; channel < channels; channel += Step)
                {
                    var centred = Vector256.Load(from + channel) - Vector256.Load(mean + channel);
                    var value = Vector256.FusedMultiplyAdd(centred, Vector256.Load(factor + channel), Vector256.Load(shift + channel));
                    (swish ? Swish(value) : value).Store(to + channel);
                }
            }
        }
    }

    /// <summary>
    /// The mean over each group's pixels and channels, written to all of its channels: of x, or of (x − <paramref name="around"/>)² if that is given.
    /// Rows are summed in float32, rows of rows in float64.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GroupMeans(float* picture, int height, int width, int channels, float* mean, float* around)
    {
        var totals = new double[channels];
        var sums = new float[channels];
        fixed (float* sum = sums)
        {
            for (var row = 0; row < height; row++)
            {
                sums.AsSpan().Clear();
                var pixel = picture + (nint)row * width * channels;
                for (var column = 0; column < width; column++, pixel += channels)
                {
                    for (var channel = 0; channel < channels; channel += Step)
                    {
                        var value = Vector256.Load(pixel + channel);
                        if (around is not null)
                        {
                            value -= Vector256.Load(around + channel);
                            value *= value;
                        }
                        (Vector256.Load(sum + channel) + value).Store(sum + channel);
                    }
                }
                for (var channel = 0; channel < channels; channel++)
                    totals[channel] += sum[channel];
            }
        }
        var groupSize = channels / GroupNorm.GroupCount;
        for (var group = 0; group < channels; group += groupSize)
        {
            var total = 0.0;
            for (var channel = group; channel < group + groupSize; channel++)
                total += totals[channel];
            new Span<float>(mean + group, groupSize).Fill((float)(total / ((double)groupSize * height * width)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Swish(Vector256<float> value) => value / (Vector256<float>.One + Exp(-value));

    /// <summary>eˣ to about one unit in the last place for |x| ≤ 87, where swish needs it: 2ⁿ times a polynomial of the rest (the coefficients of Cephes' expf).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Exp(Vector256<float> x)
    {
        x = Vector256.Min(Vector256.Max(x, Vector256.Create(-87f)), Vector256.Create(87f));
        var whole = Vector256.Round(x * Vector256.Create(1.44269504f)); // log2 e
        var rest = Vector256.FusedMultiplyAdd(whole, Vector256.Create(-0.693359375f), x); // ln 2 in two parts
        rest = Vector256.FusedMultiplyAdd(whole, Vector256.Create(2.12194440e-4f), rest);
        var sum = Vector256.Create(1.9875691500e-4f);
        sum = Vector256.FusedMultiplyAdd(sum, rest, Vector256.Create(1.3981999507e-3f));
        sum = Vector256.FusedMultiplyAdd(sum, rest, Vector256.Create(8.3334519073e-3f));
        sum = Vector256.FusedMultiplyAdd(sum, rest, Vector256.Create(4.1665795894e-2f));
        sum = Vector256.FusedMultiplyAdd(sum, rest, Vector256.Create(1.6666665459e-1f));
        sum = Vector256.FusedMultiplyAdd(sum, rest, Vector256.Create(5.0000001201e-1f));
        sum = Vector256.FusedMultiplyAdd(sum, rest * rest, rest + Vector256<float>.One);
        var power = Vector256.ShiftLeft(Vector256.ConvertToInt32(whole) + Vector256.Create(127), 23).AsSingle();
        return sum * power;
    }
}
