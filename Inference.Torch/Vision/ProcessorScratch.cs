using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>
/// Memory that a layer needs between its passes, kept from layer to layer: fresh megabytes for each would cost more in page faults than their arithmetic.
/// One thread, one layer at a time.
/// </summary>
internal sealed unsafe class ProcessorScratch : IDisposable
{
    private Tensor padded = Empty(0), windows = Empty(0), means = Empty(0);

    /// <summary>A picture with a border of one zero pixel, and zeros up to whole tiles; the middle is the caller's to fill.</summary>
    /// <param name="height">Pixels without border.</param>
    /// <param name="width">Pixels without border.</param>
    /// <param name="channels">Innermost.</param>
    /// <param name="line">From one row to the next, in floats.</param>
    public float* Padded(int height, int width, int channels, out nint line)
    {
        var (rows, columns) = (Winograd.TileCount(height) * Winograd.Tile + 2, Winograd.TileCount(width) * Winograd.Tile + 2);
        line = (nint)columns * channels;
        Grow(ref padded, rows * line);
        var memory = Pointer(padded);
        NativeMemory.Clear(memory, (nuint)(line * sizeof(float)));
        for (var row = 1; row <= height; row++)
        {
            NativeMemory.Clear(memory + row * line, (nuint)channels * sizeof(float));
            NativeMemory.Clear(memory + row * line + (width + 1) * channels, (nuint)((columns - width - 1) * channels * sizeof(float)));
        }
        NativeMemory.Clear(memory + (height + 1) * line, (nuint)((rows - height - 1) * line * sizeof(float)));
        return memory;
    }

    /// <summary>[channels]</summary>
    public float* Means(int channels)
    {
        Grow(ref means, channels);
        return Pointer(means);
    }

    /// <summary>[36, rows, channels], for transformed windows.</summary>
    public Tensor Windows(int rows, int channels)
    {
        var count = (long)Winograd.ProductCount * rows * channels;
        Grow(ref windows, count);
        return windows.narrow(0, 0, count).view(Winograd.ProductCount, rows, channels);
    }

    public void Dispose()
    {
        padded.Dispose();
        windows.Dispose();
        means.Dispose();
    }

    private static void Grow(ref Tensor memory, long count)
    {
        if (memory.size(0) >= count)
            return;
        memory.Dispose();
        memory = Empty(count);
    }

    private static Tensor Empty(long count) => zeros(count).DetachFromDisposeScope(); // zeros: a row that no tile fills is multiplied too

    private static float* Pointer(Tensor memory)
    {
        fixed (byte* bytes = memory.bytes)
            return (float*)bytes; // native memory: it stays where it is
    }
}
