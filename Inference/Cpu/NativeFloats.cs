using System.Runtime.InteropServices;

namespace Emu3.Inference.Cpu;

/// <summary>Float32 numbers outside the managed heap, zero at first, at the start of a page. Pages that nobody touches take no memory.</summary>
internal sealed unsafe class NativeFloats : IDisposable
{
    private const int Alignment = 4096;
    private readonly void* block;

    /// <exception cref="OutOfMemoryException">There is not as much memory.</exception>
    public NativeFloats(long count)
    {
        Count = count;
        block = NativeMemory.AllocZeroed((nuint)(count * sizeof(float) + Alignment));
        Address = (float*)(((nint)block + Alignment - 1) & -Alignment);
    }

    private NativeFloats(long count, bool _) => Count = count;

    public long Count { get; }

    /// <summary>No memory at all, only its size: for forecasts.</summary>
    public static NativeFloats OfSize(long count) => new(count, false);

    public float* Address { get; }

    public Span<float> Span => new(Address, checked((int)Count));

    public void Dispose() => NativeMemory.Free(block);
}
