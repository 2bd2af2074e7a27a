using System.Runtime.CompilerServices;
using Emu3.Inference.Model;
using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>
/// The layers of one frame on the processor: norm and swish in one pass (<see cref="SpatialNormKernel"/>), 3×3 convolutions as <see cref="Winograd"/>
/// whose products are libtorch's batched matrix multiplication.
/// </summary>
/// <param name="cells">[h, w, latentChannels]</param>
/// <param name="scratch">Memory between the passes.</param>
internal sealed unsafe class ProcessorLayers(Tensor cells, ProcessorScratch scratch) : IDecoderLayers
{
    /// <summary>Below, reading four times the kernel takes longer than the multiplications it saves.</summary>
    private const int FewestTiles = 12;

    /// <summary>Tiles whose windows and products are held at once: at 256 channels 72 MB.</summary>
    private const int TilesAtOnce = 1024;

    private readonly int cellRows = (int)cells.size(0), cellColumns = (int)cells.size(1);

    public Tensor Norm(SpatialNorm norm, Tensor x)
    {
        using var scope = NewDisposeScope();
        return Normed(norm, x, swish: false).MoveToOuterDisposeScope();
    }

    public Tensor NormedConvolution(SpatialNorm norm, Convolution2d conv, Tensor x, Tensor? summand)
    {
        using var scope = NewDisposeScope();
        if (conv.WinogradKernel is null || Winograd.TileCount(x.size(2)) * Winograd.TileCount(x.size(3)) < FewestTiles)
        {
            var direct = conv.Forward(Normed(norm, x, swish: true));
            return (summand is null ? direct : direct.add_(summand, Numbers.One)).MoveToOuterDisposeScope();
        }
        var source = Inner(x);
        var (height, width, channels) = ((int)source.size(1), (int)source.size(2), (int)source.size(3));
        var padded = scratch.Padded(height, width, channels, out var line);
        var mean = scratch.Means(channels);
        var conditioning = norm.Conditioning(cells); // [h, w, 2 · channels]
        fixed (byte* picture = source.bytes, cell = conditioning.bytes)
        {
            SpatialNormKernel.Fold((float*)picture, height, width, channels, mean, (float*)cell, cellRows * cellColumns);
            SpatialNormKernel.Apply((float*)picture, height, width, channels, mean, (float*)cell, cellRows, cellColumns, padded + line + channels, line, swish: true);
        }
        return Convolve(conv, padded, height, width, summand).MoveToOuterDisposeScope();
    }

    public Tensor Double(Upsample upsample, Tensor x)
    {
        using var scope = NewDisposeScope();
        var source = Inner(x);
        var (height, width, channels) = (2 * (int)source.size(1), 2 * (int)source.size(2), (int)source.size(3));
        var padded = scratch.Padded(height, width, channels, out var line);
        fixed (byte* picture = source.bytes)
            CopyDoubled((float*)picture, height, width, channels, padded + line + channels, line);
        return Convolve(upsample.Convolution, padded, height, width, summand: null).MoveToOuterDisposeScope();
    }

    /// <summary>Each pixel of [height / 2, width / 2, channels] into four of a larger picture.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyDoubled(float* picture, int height, int width, int channels, float* target, nint targetLine)
    {
        for (var row = 0; row < height; row++)
        {
            for (var column = 0; column < width; column++)
            {
                var pixel = new ReadOnlySpan<float>(picture + ((nint)(row / 2) * (width / 2) + column / 2) * channels, channels);
                pixel.CopyTo(new Span<float>(target + row * targetLine + column * channels, channels));
            }
        }
    }

    private Tensor Normed(SpatialNorm norm, Tensor x, bool swish)
    {
        var source = Inner(x);
        var (height, width, channels) = ((int)source.size(1), (int)source.size(2), (int)source.size(3));
        var mean = scratch.Means(channels);
        var conditioning = norm.Conditioning(cells);
        var result = empty_like(source);
        fixed (byte* picture = source.bytes, cell = conditioning.bytes, target = result.bytes)
        {
            SpatialNormKernel.Fold((float*)picture, height, width, channels, mean, (float*)cell, cellRows * cellColumns);
            SpatialNormKernel.Apply(
                (float*)picture, height, width, channels, mean, (float*)cell, cellRows, cellColumns, (float*)target, (nint)width * channels, swish);
        }
        return result.permute(0, 3, 1, 2);
    }

    private Tensor Convolve(Convolution2d conv, float* padded, int height, int width, Tensor? summand)
    {
        var kernel = conv.WinogradKernel!; // [36, in, out]
        var (inChannels, outChannels) = ((int)kernel.size(1), (int)kernel.size(2));
        var tileColumns = Winograd.TileCount(width);
        var line = (nint)(tileColumns * Winograd.Tile + 2) * inChannels;
        var band = Math.Max(1, TilesAtOnce / tileColumns) * Winograd.Tile; // rows of pixels
        var result = summand is null ? empty([1, height, width, outChannels]) : Inner(summand).clone();
        fixed (byte* bias = conv.Bias.bytes, picture = result.bytes)
        {
            for (var top = 0; top < height; top += band)
            {
                var bandHeight = Math.Min(band, height - top);
                var tileRows = Winograd.TileCount(bandHeight);
                var rows = tileRows * tileColumns | 1; // with an even number the 36 products can fall on one another in the cache
                using var windows = scratch.Windows(rows, inChannels);
                fixed (byte* window = windows.bytes)
                    Winograd.TransformWindows(padded + top * line, tileRows, tileColumns, inChannels, (float*)window, rows);
                using var products = windows.bmm(kernel); // [36, rows, out]
                fixed (byte* product = products.bytes)
                {
                    var target = (float*)picture + (nint)top * width * outChannels;
                    Winograd.TransformProducts((float*)product, rows, (float*)bias, target, bandHeight, width, outChannels, accumulate: summand is not null);
                }
            }
        }
        return result.permute(0, 3, 1, 2);
    }

    /// <summary>The picture with its channels innermost, contiguous: a view, unless a layer gave it another layout.</summary>
    private static Tensor Inner(Tensor x) => x.permute(0, 2, 3, 1).contiguous(); // [1, height, width, channels]
}
