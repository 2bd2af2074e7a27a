using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Emu3.Inference.Cpu.Kernels;

/// <summary>Numbers of sixteen bits to float32, exactly, in registers. .NET has neither a bfloat16 type nor the instructions for float16.</summary>
internal static unsafe class Widening
{
    /// <summary>Sixteen numbers, each in the low half of its lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> ToVector512(ushort* from)
    {
        var v = Vector256.Load(from);
        return Avx512F.IsSupported ? Avx512F.ConvertToVector512UInt32(v) : Vector512.Create(Vector256.WidenLower(v), Vector256.WidenUpper(v));
    }

    /// <summary>Eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> ToVector256(ushort* from)
    {
        var v = Vector128.Load(from);
        return Avx2.IsSupported ? Avx2.ConvertToVector256Int32(v).AsUInt32() : Vector256.Create(Vector128.WidenLower(v), Vector128.WidenUpper(v));
    }

    /// <summary>Four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> ToVector128(ushort* from) => Vector128.WidenLower(Vector64.Load(from).ToVector128());

    // float16: a number's exponent is rebased. Exponent 0 goes through a subtraction, so that no operand is a denormal float32;
    // the largest exponent (infinity, not a number) is rebased twice.
    private const uint Sign = 0x8000, Magnitude = 0x7FFF, Exponent = 0x0F800000, Rebase = 112u << 23;
    private const float Smallest = 6.103515625e-05f; // 2⁻¹⁴

    /// <summary>float16 in the low half of each lane to float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Half(Vector512<uint> h)
    {
        var bits = Vector512.ShiftLeft(h & Vector512.Create(Magnitude), 13);
        var exponent = bits & Vector512.Create(Exponent);
        var small = ((bits + Vector512.Create(Rebase + (1u << 23))).AsSingle() - Vector512.Create(Smallest)).AsUInt32();
        var value = Vector512.ConditionalSelect(Vector512.Equals(exponent, Vector512<uint>.Zero), small,
            bits + Vector512.ConditionalSelect(Vector512.Equals(exponent, Vector512.Create(Exponent)), Vector512.Create(2 * Rebase), Vector512.Create(Rebase)));
        return (value | Vector512.ShiftLeft(h & Vector512.Create(Sign), 16)).AsSingle();
    }

    /// <summary>float16 in the low half of each lane to float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Half(Vector256<uint> h)
    {
        var bits = Vector256.ShiftLeft(h & Vector256.Create(Magnitude), 13);
        var exponent = bits & Vector256.Create(Exponent);
        var small = ((bits + Vector256.Create(Rebase + (1u << 23))).AsSingle() - Vector256.Create(Smallest)).AsUInt32();
        var value = Vector256.ConditionalSelect(Vector256.Equals(exponent, Vector256<uint>.Zero), small,
            bits + Vector256.ConditionalSelect(Vector256.Equals(exponent, Vector256.Create(Exponent)), Vector256.Create(2 * Rebase), Vector256.Create(Rebase)));
        return (value | Vector256.ShiftLeft(h & Vector256.Create(Sign), 16)).AsSingle();
    }

    /// <summary>float16 in the low half of each lane to float32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Half(Vector128<uint> h)
    {
        var bits = Vector128.ShiftLeft(h & Vector128.Create(Magnitude), 13);
        var exponent = bits & Vector128.Create(Exponent);
        var small = ((bits + Vector128.Create(Rebase + (1u << 23))).AsSingle() - Vector128.Create(Smallest)).AsUInt32();
        var value = Vector128.ConditionalSelect(Vector128.Equals(exponent, Vector128<uint>.Zero), small,
            bits + Vector128.ConditionalSelect(Vector128.Equals(exponent, Vector128.Create(Exponent)), Vector128.Create(2 * Rebase), Vector128.Create(Rebase)));
        return (value | Vector128.ShiftLeft(h & Vector128.Create(Sign), 16)).AsSingle();
    }
}
