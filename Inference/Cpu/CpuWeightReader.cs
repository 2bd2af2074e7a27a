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
    public WeightMatrix Matrix(string name, int outputs, int inputs, string? bias = null) => Matrix(files.Take(name, [outputs, inputs]), outputs, inputs, bias);

    /// <summary>The matrix of a 1×1 convolution, whose file has it as [outputs, inputs, 1, 1].</summary>
    /// <param name="name">Without <c>.weight</c> and <c>.bias</c>.</param>
    /// <param name="outputs">Channels of the result.</param>
    /// <param name="inputs">Channels of the input.</param>
    /// <exception cref="CheckpointException">As <see cref="Matrix(string, int, int, string?)"/>.</exception>
    public WeightMatrix Convolution1x1(string name, int outputs, int inputs) =>
        Matrix(files.Take($"{name}.weight", [outputs, inputs, 1, 1]), outputs, inputs, $"{name}.bias");

    /// <summary>A vector in float32.</summary>
    /// <param name="name">Canonical.</param>
    /// <param name="count">Its numbers.</param>
    /// <exception cref="CheckpointException">As <see cref="Matrix(string, int, int, string?)"/>.</exception>
    public NativeFloats Vector(string name, int count) => Own(Tensor(name, count));

    /// <summary>Any tensor, to be read number by number.</summary>
    /// <param name="name">Canonical.</param>
    /// <param name="shape">What it must be.</param>
    /// <exception cref="CheckpointException">As <see cref="Matrix(string, int, int, string?)"/>.</exception>
    public CpuTensor Tensor(string name, params ReadOnlySpan<long> shape) => new(files.Take(name, shape));

    public void Dispose() => owned.ForEach(floats => floats.Dispose());

    private WeightMatrix Matrix(MappedTensor tensor, int outputs, int inputs, string? bias)
    {
        var added = bias is null ? null : Vector(bias, outputs);
        return tensor.Entry.Dtype switch
        {
            ElementType.BF16 => new(tensor.Address, WeightType.BFloat16, outputs, inputs, added),
            ElementType.F16 => new(tensor.Address, WeightType.Half, outputs, inputs, added),
            ElementType.F32 => new(tensor.Address, WeightType.Single, outputs, inputs, added),
            _ => new((byte*)Own(new CpuTensor(tensor)).Address, WeightType.Single, outputs, inputs, added),
        };
    }

    private NativeFloats Own(CpuTensor tensor)
    {
        var floats = tensor.ToFloats();
        owned.Add(floats);
        return floats;
    }
}
