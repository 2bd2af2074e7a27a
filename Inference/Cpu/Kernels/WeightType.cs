namespace Emu3.Inference.Cpu.Kernels;

/// <summary>How the numbers of a matrix lie in memory.</summary>
internal enum WeightType
{
    BFloat16,
    Half,
    Single,
}
