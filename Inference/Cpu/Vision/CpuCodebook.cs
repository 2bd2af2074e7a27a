namespace Emu3.Inference.Cpu.Vision;

/// <summary>The vectors that stand behind visual tokens.</summary>
internal sealed unsafe class CpuCodebook : IDisposable
{
    private readonly NativeFloats columns; // [dimension, padded size]
    private readonly NativeFloats squares; // [padded size], Σe²; infinity behind the last
    private readonly int paddedSize;

    public CpuCodebook(CpuWeightReader reader, int size, int dimension)
    {
        (Size, Dimension, paddedSize) = (size, dimension, (size + 15) / 16 * 16);
        Vectors = reader.Tensor("vision.quantize.embedding.weight", size, dimension).ToFloats();
        (columns, squares) = (new NativeFloats((long)dimension * paddedSize), new NativeFloats(paddedSize));
        squares.Span.Fill(float.PositiveInfinity);
        for (var i = 0; i < size; i++)
        {
            var square = 0f;
            for (var d = 0; d < dimension; d++)
            {
                var value = Vectors.Address[(nint)i * dimension + d];
                columns.Address[(nint)d * paddedSize + i] = value;
                square += value * value;
            }
            squares.Address[i] = square;
        }
    }

    public int Size { get; }

    public int Dimension { get; }

    /// <summary>[size, dimension]</summary>
    public NativeFloats Vectors { get; }

    /// <summary>The nearest vector of each cell, the first of equals: d = Σx² + Σe² − 2·x·e, as the reference orders it.</summary>
    public int[] Nearest(VisionComputer computer, Plane cells)
    {
        var codes = new int[cells.Height * cells.Width];
        computer.Threads.For(codes.Length, (long)Size * Dimension / 4, (from, to, _) =>
        {
            for (var i = from; i < to; i++)
                codes[i] = computer.Kernels.Nearest(cells.Start + (nint)i * Dimension, columns.Address, squares.Address, Dimension, paddedSize);
        });
        return codes;
    }

    /// <summary>The vectors of some codes as a picture.</summary>
    public Plane Picture(VisionComputer computer, ReadOnlySpan<int> codes, int height, int width)
    {
        var picture = computer.Planes.Rent(height, width, Dimension);
        for (var i = 0; i < codes.Length; i++)
            new Span<float>(Vectors.Address + (nint)codes[i] * Dimension, Dimension).CopyTo(new Span<float>(picture.Start + (nint)i * Dimension, Dimension));
        return picture;
    }

    public void Dispose()
    {
        foreach (var part in (NativeFloats[])[Vectors, columns, squares])
            part.Dispose();
    }
}
