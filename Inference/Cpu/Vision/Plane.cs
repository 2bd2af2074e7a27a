namespace Emu3.Inference.Cpu.Vision;

/// <summary>A picture of numbers, its channels innermost: [height, width, channels]. May lie in the middle of a larger block of memory.</summary>
/// <param name="pool">Gets the memory back.</param>
/// <param name="memory">Holds the picture.</param>
/// <param name="height">Rows.</param>
/// <param name="width">Pixels in a row.</param>
/// <param name="channels">Numbers of a pixel.</param>
/// <param name="line">From one row to the next, in numbers.</param>
/// <param name="offset">Of the first pixel in the memory.</param>
internal sealed unsafe class Plane(PlanePool pool, NativeFloats memory, int height, int width, int channels, nint line, nint offset) : IDisposable
{
    private NativeFloats? memory = memory;

    public int Height => height;

    public int Width => width;

    public int Channels => channels;

    /// <summary>From one row to the next, in numbers.</summary>
    public nint Line => line;

    /// <summary>Of all its numbers, where rows lie behind each other.</summary>
    public long ByteCount => (long)height * width * channels * sizeof(float);

    /// <summary>The first pixel.</summary>
    public float* Start { get; } = memory.Address + offset;

    /// <summary>The first pixel of a row.</summary>
    public float* Row(int row) => Start + row * line;

    public void Dispose()
    {
        if (memory is not null)
            pool.Return(memory);
        memory = null;
    }

    /// <summary>Copies the numbers into a picture of the same size.</summary>
    public void CopyTo(Plane target)
    {
        for (var row = 0; row < height; row++)
            new Span<float>(Row(row), width * channels).CopyTo(new Span<float>(target.Row(row), width * channels));
    }
}

/// <summary>Several pictures.</summary>
internal static class PlaneFrames
{
    /// <summary>Disposes of each.</summary>
    public static void DisposeAll(this Plane[] frames)
    {
        foreach (var frame in frames)
            frame.Dispose();
    }
}
