using System.Runtime.Intrinsics;

namespace Emu3.Inference.Cpu.Kernels;

/// <summary>a·b + c, rounded once, in four lanes.</summary>
internal interface IFusedMultiplyAdd
{
    static abstract Vector128<float> FusedMultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c);
}
