namespace Emu3.Inference.Cpu.Kernels;

/// <summary>
/// y = x·Wᵀ (+ bias), or y += the same: one matrix as it lies in the checkpoint's file, times some rows. An output's bits depend on its row and its
/// weights alone, whatever the number of rows, the part of the outputs that is asked for, or the instructions.
/// </summary>
internal unsafe struct Product
{
    /// <summary>[outputs, inputs]</summary>
    public byte* Weights;

    public WeightType Type;

    public int Inputs;

    public int Outputs;

    /// <summary>[rows, inputs]; a row begins <see cref="XStride"/> values behind the one before.</summary>
    public float* X;

    public nint XStride;

    public int Rows;

    /// <summary>[rows, outputs]; a row begins <see cref="YStride"/> values behind the one before.</summary>
    public float* Y;

    public nint YStride;

    /// <summary>[outputs], or null.</summary>
    public float* Bias;

    /// <summary>Adds to what Y holds.</summary>
    public bool Accumulates;
}
