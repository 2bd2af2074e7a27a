using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Emu3.Inference.Cpu.Kernels;

/// <summary>The widths of registers that there are kernels for.</summary>
internal static class CpuKernels
{
    public static ICpuKernels Avx512 { get; } = new CpuKernels<Lanes512>("AVX-512");

    public static ICpuKernels Avx2 { get; } = new CpuKernels<Lanes256>("AVX2");

    public static ICpuKernels Narrow { get; } = new CpuKernels<Lanes128<HardwareFusedMultiplyAdd>>("128 bits");

    public static ICpuKernels Portable { get; } = new CpuKernels<Lanes128<EmulatedFusedMultiplyAdd>>("128 bits, without a fused multiply-add");

    /// <summary>Every one of them; all run on every machine, though some slowly.</summary>
    public static IReadOnlyList<ICpuKernels> All { get; } = [Avx512, Avx2, Narrow, Portable];

    /// <summary>The best that this machine's instructions allow.</summary>
    public static ICpuKernels Fastest { get; } =
        Avx512F.IsSupported && Vector512.IsHardwareAccelerated ? Avx512
        : System.Runtime.Intrinsics.X86.Avx2.IsSupported && Fma.IsSupported ? Avx2
        : AdvSimd.IsSupported || Fma.IsSupported ? Narrow
        : Portable;
}

/// <summary>Hands each call to the kernel of its width.</summary>
internal sealed unsafe class CpuKernels<TLanes>(string name) : ICpuKernels where TLanes : unmanaged, ILanes<TLanes>
{
    public string Name => name;

    public int ScratchCount(int heads, int headDim) => AttentionKernel<TLanes>.ScratchCount(heads, headDim);

    public void Multiply(in Product product, int from, int to, float* scratch) => ProductKernel<TLanes>.Run(product, from, to, scratch);

    public void Attend(in AttentionSegment segment, float* scratch) => AttentionKernel<TLanes>.Run(segment, scratch);

    public void Merge(float* into, float* next, int headDim) => AttentionKernel<TLanes>.Merge(into, next, headDim);

    public void Finish(float* part, int headDim, float* to, int count) => AttentionKernel<TLanes>.Finish(part, headDim, to, count);

    public void Widen(WeightType type, byte* from, float* to, int count) => RowKernel<TLanes>.Widen(type, from, to, count);

    public void Normalise(float* x, float* weight, float* to, int count, float epsilon) => RowKernel<TLanes>.Normalise(x, weight, to, count, epsilon);

    public void SiluTimes(float* gate, float* up, float* to, int count) => RowKernel<TLanes>.SiluTimes(gate, up, to, count);

    public void Turn(float* head, float* cosine, float* sine, int half, float factor, float* to) => RowKernel<TLanes>.Turn(head, cosine, sine, half, factor, to);

    public void Condition(float* x, float* mean, float* factor, float* shift, float* to, int channels, int pixels, bool swish) =>
        VisionKernel<TLanes>.Condition(x, mean, factor, shift, to, channels, pixels, swish);

    public void Softmax(float* scores, int count, float scale) => VisionKernel<TLanes>.Softmax(scores, count, scale);

    public int Nearest(float* cell, float* columns, float* squares, int dimension, int count) => VisionKernel<TLanes>.Nearest(cell, columns, squares, dimension, count);
}
