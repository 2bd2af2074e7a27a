using System.Runtime.InteropServices;
using Emu3.Inference.Vision;

namespace Emu3.Inference.Cpu.Vision;

/// <summary>
/// Memory for the pictures between layers, kept from layer to layer: fresh megabytes for each would cost more in page faults than their arithmetic. One thread.
/// </summary>
/// <param name="isCountOnly">Takes no memory and only counts what would be taken: for forecasts.</param>
internal sealed unsafe class PlanePool(bool isCountOnly = false) : IDisposable
{
    /// <summary>Bytes that stay at most when a picture is done.</summary>
    public const long KeptBytes = 64 << 20;

    private const long KeptCount = KeptBytes / sizeof(float);

    private readonly List<NativeFloats> free = [];
    private long heldCount;

    /// <summary>Bytes that were held at once at most, given back or not.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>A picture whose numbers have no meaning yet.</summary>
    public Plane Rent(int height, int width, int channels) =>
        new(this, Take((long)height * width * channels), height, width, channels, (nint)width * channels, 0);

    /// <summary>The same with zeros around it: one pixel above and left, below and right up to whole tiles of <see cref="Winograd"/> and one more.</summary>
    public Plane RentPadded(int height, int width, int channels)
    {
        var (rows, columns) = (Winograd.TileCount(height) * Winograd.Tile + 2, Winograd.TileCount(width) * Winograd.Tile + 2);
        var line = (nint)columns * channels;
        var memory = Take(rows * line);
        var start = memory.Address;
        if (isCountOnly)
            return new Plane(this, memory, height, width, channels, line, line + channels);
        NativeMemory.Clear(start, (nuint)(line * sizeof(float)));
        for (var row = 1; row <= height; row++)
        {
            NativeMemory.Clear(start + row * line, (nuint)channels * sizeof(float));
            NativeMemory.Clear(start + row * line + (nint)(width + 1) * channels, (nuint)(columns - width - 1) * (nuint)channels * sizeof(float));
        }
        NativeMemory.Clear(start + (height + 1) * line, (nuint)((rows - height - 1) * line) * sizeof(float));
        return new Plane(this, memory, height, width, channels, line, line + channels);
    }

    /// <summary>Plain numbers.</summary>
    public NativeFloats Take(long count)
    {
        // The smallest that is large enough, unless half of it would lie idle.
        var best = free.Where(memory => memory.Count >= count && memory.Count <= 2 * count + 4096).MinBy(memory => memory.Count);
        if (best is null)
        {
            var fresh = isCountOnly ? NativeFloats.OfSize(count) : new NativeFloats(count);
            heldCount += count;
            PeakBytes = Math.Max(PeakBytes, heldCount * sizeof(float));
            return fresh;
        }
        free.Remove(best);
        return best;
    }

    public void Return(NativeFloats memory) => free.Add(memory);

    /// <summary>Gives back what a large picture took.</summary>
    public void Trim()
    {
        foreach (var memory in free.OrderByDescending(memory => memory.Count).ToList())
        {
            if (free.Sum(kept => kept.Count) <= KeptCount)
                return;
            free.Remove(memory);
            heldCount -= memory.Count;
            memory.Dispose();
        }
    }

    public void Dispose()
    {
        free.ForEach(memory => memory.Dispose());
        free.Clear();
    }
}
