namespace Emu3.Inference.Weights;

/// <summary>Types of numbers that a safetensors file may hold, by the format's own names.</summary>
public enum ElementType
{
    BF16,
    F16,
    F32,
    F64,
    F8E4M3,
    F8E5M2,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}
