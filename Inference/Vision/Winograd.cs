using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu3.Inference.Vision;

/// <summary>
/// 3×3 convolutions as F(4×4, 3×3) of Lavin and Gray (arXiv 1509.09308, §4): a tile of 4×4 results takes 36 products a channel pair instead of 144.
/// Pictures have their channels innermost, eight of which are handled at a time.
/// </summary>
internal static unsafe class Winograd
{
    /// <summary>Results of a tile along a side.</summary>
    public const int Tile = 4;

    /// <summary>Products of a tile: 6×6.</summary>
    public const int ProductCount = Window * Window;

    /// <summary>Channels must be a multiple of this.</summary>
    public const int ChannelStep = 8;

    private const int Window = 6; // inputs of a tile along a side

    /// <summary>G of the paper, [6, 3].</summary>
    public static readonly double[,] KernelTransform =
    {
        { 1 / 4.0, 0, 0 }, { -1 / 6.0, -1 / 6.0, -1 / 6.0 }, { -1 / 6.0, 1 / 6.0, -1 / 6.0 },
        { 1 / 24.0, 1 / 12.0, 1 / 6.0 }, { 1 / 24.0, -1 / 12.0, 1 / 6.0 }, { 0, 0, 1 },
    };

    /// <summary>Tiles along a side of so many pixels.</summary>
    public static int TileCount(long pixels) => (int)((pixels + Tile - 1) / Tile);

    /// <summary>G·kernel·Gᵀ of one pair of channels.</summary>
    /// <param name="kernel">[3, 3]</param>
    /// <param name="products">[6, 6]</param>
    public static void TransformKernel(double* kernel, double* products)
    {
        for (var row = 0; row < Window; row++)
        {
            var (a, b, c) = (KernelTransform[row, 0], KernelTransform[row, 1], KernelTransform[row, 2]);
            var (d, e, f) = (a * kernel[0] + b * kernel[3] + c * kernel[6], a * kernel[1] + b * kernel[4] + c * kernel[7], a * kernel[2] + b * kernel[5] + c * kernel[8]);
            for (var column = 0; column < Window; column++)
                products[row * Window + column] = d * KernelTransform[column, 0] + e * KernelTransform[column, 1] + f * KernelTransform[column, 2];
        }
    }

    /// <summary>Bᵀ·window·B of every tile.</summary>
    /// <param name="padded">[4 · tileRows + 2, 4 · tileColumns + 2, channels], the picture with its border of zeros.</param>
    /// <param name="tileRows">Rows of tiles.</param>
    /// <param name="tileColumns">Tiles in a row.</param>
    /// <param name="channels">A multiple of <see cref="ChannelStep"/>.</param>
    /// <param name="windows">[36, rows, channels], one row a tile.</param>
    /// <param name="rows">At least the number of tiles.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransformWindows(float* padded, int tileRows, int tileColumns, int channels, float* windows, int rows)
    {
        var line = (tileColumns * Tile + 2) * channels;
        var product = (nint)rows * channels;
        var columns = stackalloc Vector256<float>[ProductCount];
        for (var tile = 0; tile < tileRows * tileColumns; tile++)
        {
            var corner = padded + (nint)(tile / tileColumns) * Tile * line + tile % tileColumns * Tile * channels;
            var target = windows + (nint)tile * channels;
            for (var channel = 0; channel < channels; channel += ChannelStep)
            {
                for (var column = 0; column < Window; column++)
                    TransformWindow(corner + column * channels + channel, line, columns + column, Window);
                for (var row = 0; row < Window; row++)
                    TransformWindow((float*)(columns + row * Window), ChannelStep, target + row * Window * product + channel, product);
            }
        }
    }

    /// <summary>Aᵀ·products·A of every tile, plus the bias, plus what is there already if <paramref name="accumulate"/>.</summary>
    /// <param name="products">[36, rows, channels]</param>
    /// <param name="rows">At least the number of tiles.</param>
    /// <param name="bias">[channels]</param>
    /// <param name="picture">[height, width, channels]</param>
    /// <param name="height">Pixels; the last tiles may reach over the edge.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="channels">A multiple of <see cref="ChannelStep"/>.</param>
    /// <param name="accumulate">Whether the picture holds a summand.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransformProducts(float* products, int rows, float* bias, float* picture, int height, int width, int channels, bool accumulate)
    {
        var product = (nint)rows * channels;
        var tileColumns = TileCount(width);
        var columns = stackalloc Vector256<float>[Tile * Window];
        var results = stackalloc Vector256<float>[Tile];
        for (var tile = 0; tile < TileCount(height) * tileColumns; tile++)
        {
            var (top, left) = (tile / tileColumns * Tile, tile % tileColumns * Tile);
            var (bottom, right) = (Math.Min(top + Tile, height), Math.Min(left + Tile, width));
            for (var channel = 0; channel < channels; channel += ChannelStep)
            {
                var source = products + (nint)tile * channels + channel;
                for (var column = 0; column < Window; column++)
                    TransformProduct(source + column * product, Window * product, columns + column, Window);
                var added = Vector256.Load(bias + channel);
                for (var row = top; row < bottom; row++)
                {
                    TransformProduct((float*)(columns + (row - top) * Window), ChannelStep, results, 1);
                    for (var column = left; column < right; column++)
                    {
                        var at = picture + ((nint)row * width + column) * channels + channel;
                        var value = results[column - left] + added;
                        (accumulate ? value + Vector256.Load(at) : value).Store(at);
                    }
                }
            }
        }
    }

    /// <summary>One side of Bᵀ·d·B: six vectors in, six out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformWindow(float* source, nint sourceStride, float* target, nint targetStride)
    {
        var (d0, d1, d2) = (Vector256.Load(source), Vector256.Load(source + sourceStride), Vector256.Load(source + 2 * sourceStride));
        var (d3, d4, d5) = (Vector256.Load(source + 3 * sourceStride), Vector256.Load(source + 4 * sourceStride), Vector256.Load(source + 5 * sourceStride));
        var (four, two) = (Vector256.Create(4f), Vector256.Create(2f));
        var (even, odd) = (d4 - four * d2, d3 - four * d1);
        var (near, far) = (d4 - d2, two * (d3 - d1));
        (near + four * (d0 - d2)).Store(target);
        (even + odd).Store(target + targetStride);
        (even - odd).Store(target + 2 * targetStride);
        (near + far).Store(target + 3 * targetStride);
        (near - far).Store(target + 4 * targetStride);
        (d5 - d3 - four * (d3 - d1)).Store(target + 5 * targetStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformWindow(float* source, nint sourceStride, Vector256<float>* target, nint targetStride) =>
        TransformWindow(source, sourceStride, (float*)target, targetStride * ChannelStep);

    /// <summary>One side of Aᵀ·m·A: six vectors in, four out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransformProduct(float* source, nint sourceStride, Vector256<float>* target, nint targetStride)
    {
        var (m0, m1, m2) = (Vector256.Load(source), Vector256.Load(source + sourceStride), Vector256.Load(source + 2 * sourceStride));
        var (m3, m4, m5) = (Vector256.Load(source + 3 * sourceStride), Vector256.Load(source + 4 * sourceStride), Vector256.Load(source + 5 * sourceStride));
        var (sum, difference) = (m1 + m2, m1 - m2);
        var (farSum, farDifference) = (m3 + m4, m3 - m4);
        target[0] = m0 + sum + farSum;
        target[targetStride] = difference + Vector256.Create(2f) * farDifference;
        target[2 * targetStride] = sum + Vector256.Create(4f) * farSum;
        target[3 * targetStride] = difference + Vector256.Create(8f) * farDifference + m5;
    }
}
