namespace Emu3.Inference.Cpu.Kernels;

/// <summary>
/// The kernels on one width of registers. All of them give the same bits; <see cref="CpuKernels.Fastest"/> is the one for this machine,
/// the others are for tests.
/// </summary>
internal unsafe interface ICpuKernels
{
    /// <summary>Its name, for logs and reports.</summary>
    string Name { get; }

    /// <summary>Values of scratch that a thread needs for any call.</summary>
    /// <param name="heads">Query heads that share keys.</param>
    /// <param name="headDim">Rounded up to a multiple of 16.</param>
    int ScratchCount(int heads, int headDim);

    /// <summary><see cref="ProductKernel{TLanes}.Run(in Product, int, int, float*)"/></summary>
    void Multiply(in Product product, int from, int to, float* scratch);

    /// <summary><see cref="AttentionKernel{TLanes}.Run"/></summary>
    void Attend(in AttentionSegment segment, float* scratch);

    /// <summary><see cref="AttentionKernel{TLanes}.Merge"/></summary>
    void Merge(float* into, float* next, int headDim);

    /// <summary><see cref="AttentionKernel{TLanes}.Finish"/></summary>
    void Finish(float* part, int headDim, float* to, int count);

    /// <summary><see cref="RowKernel{TLanes}.Widen(WeightType, byte*, float*, int)"/></summary>
    void Widen(WeightType type, byte* from, float* to, int count);

    /// <summary><see cref="RowKernel{TLanes}.Normalise"/></summary>
    void Normalise(float* x, float* weight, float* to, int count, float epsilon);

    /// <summary><see cref="RowKernel{TLanes}.SiluTimes"/></summary>
    void SiluTimes(float* gate, float* up, float* to, int count);

    /// <summary><see cref="RowKernel{TLanes}.Turn"/></summary>
    void Turn(float* head, float* cosine, float* sine, int half, float factor, float* to);

    /// <summary><see cref="VisionKernel{TLanes}.Condition"/></summary>
    void Condition(float* x, float* mean, float* factor, float* shift, float* to, int channels, int pixels, bool swish);

    /// <summary><see cref="VisionKernel{TLanes}.Softmax"/></summary>
    void Softmax(float* scores, int count, float scale);

    /// <summary><see cref="VisionKernel{TLanes}.Nearest"/></summary>
    int Nearest(float* cell, float* columns, float* squares, int dimension, int count);
}
