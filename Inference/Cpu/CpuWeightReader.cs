using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Cpu;

/// <summary>
/// Takes a checkpoint's tensors as the kernels want them. Matrices of bfloat16, float16 and float32 stay where they lie in the mapped file; other types become
/// float32 once. Vectors (norms, biases) are small and always become float32.
/// </summary>
/// <param name="files">Must outlive what was taken.</param>
internal sealed unsafe class CpuWeightReader(CheckpointFiles files) : IDisposable
{
    private readonly List<NativeFloats> owned = [];

    /// <summary>A matrix [outputs, inputs].</summary>
    /// <param name="name">Canonical.</param>
    /// <param name="outputs">Rows.</param>
    /// <param name="inputs">Columns.</param>
    /// <param name="bias">Canonical name of its bias [outputs]; null when it has none.</param>
    /// <exception cref="CheckpointException">A tensor is missing, or has another shape, or holds no floating-point numbers.</exception>
    public WeightMatrix Matrix(string name, int outputs, int inputs, string? bias = null)
    {
        var tensor = files.Take(name, [outputs, inputs]);
        var added = bias is null ? null : Vector(bias, outputs);
        return tensor.Entry.Dtype switch
        {
            ElementType.BF16 => new(tensor.Address, WeightType.BFloat16, outputs, inputs, added),
            ElementType.F16 => new(tensor.Address, WeightType.Half, outputs, inputs, added),
            ElementType.F32 => new(tensor.Address, WeightType.Single, outputs, inputs, added),
            _ => new((byte*)Converted(tensor).Address, WeightType.Single, outputs, inputs, added),
        };
    }

    /// <summary>A vector in float32.</summary>
    /// <param name="name">Canonical.</param>
    /// <param name="count">Its numbers.</param>
    /// <exception cref="CheckpointException">As <see cref="Matrix"/>.</exception>
    public NativeFloats Vector(string name, int count) => Converted(files.Take(name, [count]));

    public void Dispose() => owned.ForEach(floats => floats.Dispose());

    private NativeFloats Converted(MappedTensor tensor)
    {
        var elements = tensor.Entry.Shape.Aggregate(1L, (product, size) => product * size);
        var floats = new NativeFloats(elements);
        owned.Add(floats);
        for (long i = 0; i < elements; i++)
            floats.Address[i] = Read(tensor, i);
        return floats;
    }

    private static float Read(MappedTensor tensor, long i)
    {
        var at = tensor.Address;
        return tensor.Entry.Dtype switch
        {
            ElementType.BF16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)at)[i] << 16),
            ElementType.F16 => (float)((Half*)at)[i],
            ElementType.F32 => ((float*)at)[i],
            ElementType.F64 => (float)((double*)at)[i],
            ElementType.F8E4M3 => Float8.FromE4M3(at[i]),
            ElementType.F8E5M2 => (float)BitConverter.UInt16BitsToHalf((ushort)(at[i] << 8)), // a float16 without its last eight bits
            var type => throw new CheckpointException(
                $"Tensor '{tensor.Entry.Name}' in {tensor.Path} has the type {type}; weights are BF16, F16, F32, F64, F8_E4M3 or F8_E5M2."),
        };
    }
}
