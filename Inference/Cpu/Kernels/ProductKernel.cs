using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Emu3.Inference.Cpu.Kernels;

/// <summary>
/// Linear layers. Weights stay as they lie in the file and are widened in registers. A tile is a few outputs times a few rows, one register of sums each,
/// over a block of inputs that stays in the first cache.
/// </summary>
internal static unsafe partial class ProductKernel<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    private const int InputBlock = 1024; // inputs that a tile runs over before the next tile does: the rows' part stays in the first cache
    private const int FewRows = 32;
    private const int FewOutputs = 24; // outputs that are worked on together when there are few rows
    private const int MaxOutputs = 96;
    private const int MaxRows = 8;
    private const int SecondCacheBytes = 800_000; // of weights that stay in the second cache while all rows go by
    private const int SumCount = (MaxOutputs + 4) * MaxRows * 16;

    /// <summary>Scratch that one call needs, in values: lanes of [outputs, rows], then the zero-padded ends of rows and weights.</summary>
    public const int ScratchCount = SumCount + (MaxRows + MaxOutputs) * 16;

    /// <summary>Computes the outputs from <paramref name="from"/> to before <paramref name="to"/> of all rows.</summary>
    public static void Run(in Product product, int from, int to, float* scratch)
    {
        switch (product.Type)
        {
            case WeightType.BFloat16: Run<BFloat16Weight>(product, from, to, scratch); break;
            case WeightType.Half: Run<HalfWeight>(product, from, to, scratch); break;
            default: Run<SingleWeight>(product, from, to, scratch); break;
        }
    }

    // What a tile has to know beside its addresses.
    private struct Tile
    {
        public nint WeightStride, RowStride, Count;
        public int Rows, Outputs;
        public bool IsFirst;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TWeight>(in Product p, int from, int to, float* sums) where TWeight : struct, IWeight
    {
        var mostRows = TLanes.TileRows;
        var rowTiles = (p.Rows + mostRows - 1) / mostRows;
        var stride = (nint)p.Inputs * TWeight.Size;
        var whole = p.Inputs / 16 * 16;
        var block = p.Rows <= FewRows ? FewOutputs : (int)Math.Clamp(SecondCacheBytes / stride / 12 * 12, 12, MaxOutputs);
        for (var output = from; output < to; output += block)
        {
            var count = Math.Min(block, to - output);
            for (var row = 0; row < p.Rows; row += mostRows)
            {
                var rows = Math.Min(mostRows, p.Rows - row);
                var step = rows > 4 || rows > 2 && mostRows == 4 ? 3 : 4;
                var tile = new Tile { WeightStride = stride, RowStride = p.XStride, Rows = rows };
                for (var k = 0; k < whole; k += InputBlock)
                {
                    (tile.Count, tile.IsFirst) = (Math.Min(InputBlock, whole - k), k == 0);
                    var turn = 0;
                    for (var i = 0; i < count; i += step, turn++)
                    {
                        // What to fetch: with one tile of rows the tile behind this one; with more, once, this tile of the next block.
                        var next = rowTiles > 1 ? (turn % rowTiles == row / mostRows ? block * stride : 0)
                            : i + step < count ? step * stride
                            : k + InputBlock < whole ? (nint)InputBlock * TWeight.Size - i * stride
                            : step * stride - (nint)k * TWeight.Size;
                        tile.Outputs = Math.Min(step, count - i);
                        var w = p.Weights + (output + i) * stride + (nint)k * TWeight.Size;
                        Multiply<TWeight>(tile, step, w, p.X + row * p.XStride + k, sums + i * MaxRows * 16, w + next);
                    }
                }
                if (whole < p.Inputs)
                    MultiplyEnds<TWeight>(p.Weights + output * stride, p.X + row * p.XStride, p.XStride, p.Inputs, count, rows, step, sums);
                Finish(sums, count, step, rows, p, row, output);
            }
        }
    }

    private static void Multiply<TWeight>(in Tile tile, int step, byte* w, float* x, float* sums, byte* next) where TWeight : struct, IWeight
    {
        // Narrow registers: first these lanes, then the others; the second time all is in the first cache.
        for (var lane = 0; lane < 16; lane += TLanes.Count, w += TLanes.Count * TWeight.Size, x += TLanes.Count, sums += TLanes.Count, next = w)
        {
            switch (tile.Rows)
            {
                case 1: Tile4x1<TWeight>(tile, w, x, sums, next); break;
                case 2: Tile4x2<TWeight>(tile, w, x, sums, next); break;
                case <= 4 when step == 3: Tile3x4<TWeight>(tile, w, x, sums, next); break;
                case <= 4: Tile4x4<TWeight>(tile, w, x, sums, next); break;
                default: Tile3x8<TWeight>(tile, w, x, sums, next); break;
            }
        }
    }

    /// <summary>The last inputs when their number is no multiple of 16: the same with zeros behind them.</summary>
    private static void MultiplyEnds<TWeight>(byte* weights, float* x, nint xStride, int inputs, int count, int rows, int step, float* sums)
        where TWeight : struct, IWeight
    {
        var (whole, left) = (inputs / 16 * 16, inputs % 16);
        var wide = sums + SumCount;
        var ends = (byte*)(wide + MaxRows * 16);
        new Span<float>(wide, (MaxRows + MaxOutputs) * 16).Clear();
        for (var i = 0; i < rows; i++)
            new Span<float>(x + i * xStride + whole, left).CopyTo(new Span<float>(wide + i * 16, left));
        for (var i = 0; i < count; i++)
            new Span<byte>(weights + ((nint)i * inputs + whole) * TWeight.Size, left * TWeight.Size).CopyTo(new Span<byte>(ends + i * 16 * TWeight.Size, left * TWeight.Size));
        var tile = new Tile { WeightStride = 16 * TWeight.Size, RowStride = 16, Count = 16, Rows = rows, IsFirst = whole == 0 };
        for (var i = 0; i < count; i += step)
        {
            tile.Outputs = Math.Min(step, count - i);
            var w = ends + i * 16 * TWeight.Size;
            Multiply<TWeight>(tile, step, w, wide, sums + i * MaxRows * 16, w);
        }
    }

    /// <summary>Lanes to outputs. A tile has left its lanes as [outputs, rows], rows rounded up to the tile's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Finish(float* sums, int count, int step, int rows, in Product p, int firstRow, int firstOutput)
    {
        var tileRows = rows <= 2 ? rows : rows <= 4 ? 4 : 8;
        var block = stackalloc float[16]; // [4 rows, 4 outputs]
        var bias = p.Bias == null ? null : p.Bias + firstOutput;
        for (var output = 0; output < count; output += step)
        {
            var lanes = sums + output * MaxRows * 16;
            var outputs = Math.Min(step, count - output);
            for (var row = 0; row < rows; row += 4)
            {
                var left = Math.Min(4, rows - row);
                if (tileRows > 2)
                    LaneSum.Of16(lanes + row * 16, tileRows * 16, outputs - 1, block);
                else
                    for (var i = 0; i < outputs * tileRows; i++)
                        block[i % tileRows * 4 + i / tileRows] = LaneSum.Of(lanes + i * 16);
                var y = p.Y + (firstRow + row) * p.YStride + firstOutput + output;
                for (var i = 0; i < left; i++, y += p.YStride)
                    Write(block + i * 4, outputs, y, bias == null ? null : bias + output, p.Accumulates, isWide: output + 4 <= count);
            }
        }
    }

    /// <summary>The outputs of one row.</summary>
    /// <param name="values">Four; those behind the outputs have no meaning.</param>
    /// <param name="outputs">1 to 4.</param>
    /// <param name="y">Where they go.</param>
    /// <param name="bias">Of these outputs, or null.</param>
    /// <param name="accumulates">Add to what is there.</param>
    /// <param name="isWide">A fourth value may be written behind three outputs: the next tile overwrites it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(float* values, int outputs, float* y, float* bias, bool accumulates, bool isWide)
    {
        if (isWide && !accumulates && bias == null)
        {
            Vector128.Load(values).Store(y);
            return;
        }
        for (var j = 0; j < outputs; j++)
        {
            var value = bias == null ? values[j] : values[j] + bias[j];
            y[j] = accumulates ? y[j] + value : value;
        }
    }
}
