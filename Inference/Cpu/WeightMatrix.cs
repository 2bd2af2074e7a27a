using Emu3.Inference.Cpu.Kernels;

namespace Emu3.Inference.Cpu;

/// <summary>A matrix of a linear layer where it lies: in the mapped file, or in memory of our own where its type had to be converted.</summary>
/// <param name="address">[outputs, inputs]</param>
/// <param name="type">Of its numbers.</param>
/// <param name="outputs">Rows.</param>
/// <param name="inputs">Columns.</param>
/// <param name="bias">[outputs], or null.</param>
internal sealed unsafe class WeightMatrix(byte* address, WeightType type, int outputs, int inputs, NativeFloats? bias)
{
    public WeightType Type => type;

    public int Outputs => outputs;

    public int Inputs => inputs;

    /// <summary>Where an output's weights begin.</summary>
    public byte* Row(int output) => address + (nint)output * inputs * (type == WeightType.Single ? 4 : 2);

    /// <summary>The product with all outputs.</summary>
    /// <param name="x">[rows, inputs], one behind the other.</param>
    /// <param name="rows">How many.</param>
    /// <param name="y">Gets the outputs.</param>
    /// <param name="yStride">From one row of outputs to the next.</param>
    /// <param name="accumulates">Add to what is there.</param>
    public Product Times(float* x, int rows, float* y, nint yStride, bool accumulates = false) => new()
    {
        Weights = address,
        Type = type,
        Inputs = inputs,
        Outputs = outputs,
        X = x,
        XStride = inputs,
        Rows = rows,
        Y = y,
        YStride = yStride,
        Bias = bias is null ? null : bias.Address,
        Accumulates = accumulates,
    };

    /// <summary>Some of the outputs only.</summary>
    public WeightMatrix Rows(int from, int count) => bias is null
        ? new(Row(from), type, count, inputs, null)
        : throw new InvalidOperationException("Rows of a layer with a bias are never needed.");
}
