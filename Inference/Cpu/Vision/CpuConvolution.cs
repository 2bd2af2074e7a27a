using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Vision;

namespace Emu3.Inference.Cpu.Vision;

/// <summary>
/// A 3×3 convolution of a padded picture. Where tiles and channels allow it goes by <see cref="Winograd"/>, whose 36 products are ours; else each of the three
/// rows of the kernel is one product with the pixels of a line, each of which begins one pixel behind the one before. Which of both follows from the
/// picture's size alone. Kernels are laid out when they are first needed.
/// </summary>
internal sealed unsafe class CpuConvolution : IDisposable
{
    /// <summary>Below, reading four times the kernel takes longer than the multiplications it saves.</summary>
    private const int FewestTiles = 12;

    /// <summary>Tiles whose windows and products are held at once: at 256 channels 72 MB.</summary>
    private const int TilesAtOnce = 1024;

    private readonly CpuTensor kernel; // [out, in, 3, 3]
    private readonly NativeFloats bias;
    private readonly int inChannels, outChannels, stride;
    private NativeFloats? byRow; // [3, out, 3 · in]
    private NativeFloats? byTile; // [36, out, in]

    /// <param name="reader">Where from.</param>
    /// <param name="name">Without <c>.weight</c> and <c>.bias</c>.</param>
    /// <param name="inChannels">Of the input.</param>
    /// <param name="outChannels">Of the result.</param>
    /// <param name="stride">1 keeps the picture's size; 2 halves it, and sees zeros on the right and below only.</param>
    public CpuConvolution(CpuWeightReader reader, string name, int inChannels, int outChannels, int stride = 1)
    {
        (this.inChannels, this.outChannels, this.stride) = (inChannels, outChannels, stride);
        kernel = reader.Tensor($"{name}.weight", outChannels, inChannels, 3, 3);
        bias = reader.Vector($"{name}.bias", outChannels);
    }

    /// <param name="computer">That computes.</param>
    /// <param name="padded">With zeros around it.</param>
    /// <param name="summand">Of the result's shape, or null.</param>
    public Plane Forward(VisionComputer computer, Plane padded, Plane? summand)
    {
        var result = computer.Planes.Rent(padded.Height / stride, padded.Width / stride, outChannels);
        if (summand is not null)
            Buffer.MemoryCopy(summand.Start, result.Start, result.ByteCount, result.ByteCount);
        if (IsTiled(padded.Height, padded.Width, inChannels, outChannels, stride))
            ByTile(computer, padded, result, summand is not null);
        else
            ByRow(computer, padded, result, summand is not null);
        return result;
    }

    /// <summary>Whether a picture goes by <see cref="Winograd"/>.</summary>
    public static bool IsTiled(int height, int width, int inChannels, int outChannels, int stride) =>
        stride == 1 && inChannels % 16 == 0 && outChannels % Winograd.ChannelStep == 0
        && Winograd.TileCount(height) * Winograd.TileCount(width) >= FewestTiles;

    /// <summary>Tiles in a row, rows of tiles at once, and tiles that are held at once.</summary>
    public static (int Columns, int Band, int Rows) Bands(int height, int width)
    {
        var columns = Winograd.TileCount(width);
        var band = Math.Max(1, TilesAtOnce / columns);
        return (columns, band, Math.Min(band, Winograd.TileCount(height)) * columns | 1); // with an even number the 36 products can fall on one another in the cache
    }

    /// <summary>What the kernel takes as it is laid out for one of the two ways.</summary>
    public static long LayoutBytes(bool isTiled, int inChannels, int outChannels) => (isTiled ? Winograd.ProductCount : 9L) * inChannels * outChannels * sizeof(float);

    public void Dispose()
    {
        byRow?.Dispose();
        byTile?.Dispose();
    }

    private void ByRow(VisionComputer computer, Plane padded, Plane result, bool accumulates)
    {
        byRow ??= LayOutByRow();
        var line = (long)result.Width * outChannels * inChannels * 9 / 8;
        computer.Threads.For(result.Height, line, (from, to, worker) =>
        {
            for (var row = from; row < to; row++)
                for (var k = 0; k < 3; k++)
                {
                    // With stride 2 the kernel begins at the pixel itself, else one above and left.
                    var x = stride == 1 ? padded.Row(row + k - 1) - inChannels : padded.Row(2 * row + k);
                    var product = new Product
                    {
                        Weights = (byte*)(byRow.Address + (nint)k * outChannels * 3 * inChannels),
                        Type = WeightType.Single,
                        Inputs = 3 * inChannels,
                        Outputs = outChannels,
                        X = x,
                        XStride = (nint)stride * inChannels,
                        Rows = result.Width,
                        Y = result.Row(row),
                        YStride = outChannels,
                        Bias = k == 0 ? bias.Address : null,
                        Accumulates = accumulates || k > 0,
                    };
                    computer.Kernels.Multiply(product, 0, outChannels, computer.Threads.Scratch(worker));
                }
        });
    }

    private void ByTile(VisionComputer computer, Plane padded, Plane result, bool accumulates)
    {
        byTile ??= LayOutByTile(computer.Threads);
        var (tileColumns, band, rows) = Bands(padded.Height, padded.Width);
        var windows = computer.Planes.Take((long)Winograd.ProductCount * rows * inChannels);
        var products = computer.Planes.Take((long)Winograd.ProductCount * rows * outChannels);
        for (var top = 0; top < Winograd.TileCount(padded.Height); top += band)
        {
            var tileRows = Math.Min(band, Winograd.TileCount(padded.Height) - top);
            var first = top;
            computer.Threads.For(tileRows, (long)tileColumns * Winograd.ProductCount * inChannels, (from, to, _) => Winograd.TransformWindows(
                padded.Row((first + from) * Winograd.Tile - 1) - inChannels, to - from, tileColumns, inChannels, windows.Address + (nint)from * tileColumns * inChannels, rows));
            computer.Threads.Multiply([.. Enumerable.Range(0, Winograd.ProductCount).Select(i => new WeightMatrix(
                (byte*)(byTile.Address + (nint)i * outChannels * inChannels), WeightType.Single, outChannels, inChannels, bias: null).Times(
                windows.Address + (nint)i * rows * inChannels, tileRows * tileColumns, products.Address + (nint)i * rows * outChannels, outChannels))]);
            computer.Threads.For(tileRows, (long)tileColumns * Winograd.ProductCount * outChannels, (from, to, _) => Winograd.TransformProducts(
                products.Address + (nint)from * tileColumns * outChannels, rows, bias.Address, result.Row((first + from) * Winograd.Tile),
                Math.Min(result.Height, (first + to) * Winograd.Tile) - (first + from) * Winograd.Tile, result.Width, outChannels, accumulates));
        }
        computer.Planes.Return(windows);
        computer.Planes.Return(products);
    }

    private NativeFloats LayOutByRow()
    {
        var laidOut = new NativeFloats(9L * outChannels * inChannels);
        for (var output = 0; output < outChannels; output++)
            for (var input = 0; input < inChannels; input++)
                for (var i = 0; i < 9; i++)
                    laidOut.Address[(((nint)(i / 3) * outChannels + output) * 3 + i % 3) * inChannels + input] = kernel[((long)output * inChannels + input) * 9 + i];
        return laidOut;
    }

    /// <summary>G·kernel·Gᵀ in doubles.</summary>
    private NativeFloats LayOutByTile(CpuThreads threads)
    {
        var laidOut = new NativeFloats((long)Winograd.ProductCount * outChannels * inChannels);
        threads.For(outChannels, inChannels * 400L, (from, to, _) =>
        {
            var nine = stackalloc double[9];
            var products = stackalloc double[Winograd.ProductCount];
            for (var output = from; output < to; output++)
                for (var input = 0; input < inChannels; input++)
                {
                    for (var i = 0; i < 9; i++)
                        nine[i] = kernel[((long)output * inChannels + input) * 9 + i];
                    Winograd.TransformKernel(nine, products);
                    for (var i = 0; i < Winograd.ProductCount; i++)
                        laidOut.Address[((nint)i * outChannels + output) * inChannels + input] = (float)products[i];
                }
        });
        return laidOut;
    }
}
