using Emu3.Inference.Weights;

namespace Emu3.Inference.Cpu;

/// <summary>A tensor of any floating-point type where it lies in its file, read number by number: for weights that are laid out anew.</summary>
/// <param name="tensor">Mapped for as long as this is used.</param>
internal sealed unsafe class CpuTensor(MappedTensor tensor)
{
    private readonly byte* address = tensor.Address;
    private readonly ElementType type = tensor.Entry.Dtype is ElementType.BF16 or ElementType.F16 or ElementType.F32 or ElementType.F64 or ElementType.F8E4M3 or ElementType.F8E5M2
        ? tensor.Entry.Dtype
        : throw new CheckpointException(
            $"Tensor '{tensor.Entry.Name}' in {tensor.Path} has the type {tensor.Entry.Dtype}; weights are BF16, F16, F32, F64, F8_E4M3 or F8_E5M2.");

    public long Count { get; } = tensor.Entry.Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>One of its numbers, rows behind each other.</summary>
    public float this[long i] => type switch
    {
        ElementType.BF16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)address)[i] << 16),
        ElementType.F16 => (float)((Half*)address)[i],
        ElementType.F32 => ((float*)address)[i],
        ElementType.F64 => (float)((double*)address)[i],
        ElementType.F8E4M3 => Float8.FromE4M3(address[i]),
        _ => (float)BitConverter.UInt16BitsToHalf((ushort)(address[i] << 8)), // F8_E5M2: a float16 without its last eight bits
    };

    /// <summary>All numbers in memory of their own.</summary>
    public NativeFloats ToFloats()
    {
        var floats = new NativeFloats(Count);
        for (long i = 0; i < Count; i++)
            floats.Address[i] = this[i];
        return floats;
    }
}
