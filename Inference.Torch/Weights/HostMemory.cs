using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Emu3.Inference.Weights;

/// <summary>Tensors over memory that is not torch's. TorchSharp has this for managed arrays only; its native half can do it for any address.</summary>
internal static unsafe class HostMemory
{
    /// <summary>
    /// A CPU tensor over <paramref name="address"/>: no copy. It is valid while the memory is, must not be written to when the memory is read-only,
    /// and is the caller's to dispose of.
    /// </summary>
    public static Tensor AsTensor(void* address, ReadOnlySpan<long> shape, ElementType type)
    {
        var create = (delegate* unmanaged[Cdecl]<void*, delegate* unmanaged[Cdecl]<nint, void>, long*, int, sbyte, sbyte, int, int, byte, nint>)
            TorchNative.BindingExport("THSTensor_new");
        var dtype = (sbyte)TypeOf(type);
        fixed (long* dimensions = shape)
        {
            const int cpu = 0, anyIndex = -1;
            var handle = create(address, &KeepMemory, dimensions, shape.Length, dtype, dtype, cpu, anyIndex, 0);
            if (handle == 0)
            {
                CheckForErrors();
            }

            return Tensor.UnsafeCreateTensor(handle);
        }
    }

    private static ScalarType TypeOf(ElementType type) => type switch
    {
        ElementType.BF16 => ScalarType.BFloat16,
        ElementType.F16 => ScalarType.Float16,
        ElementType.F32 => ScalarType.Float32,
        ElementType.F64 => ScalarType.Float64,
        ElementType.F8E4M3 => (ScalarType)24, // at::ScalarType::Float8_e4m3fn, which TorchSharp has no name for
        ElementType.F8E5M2 => (ScalarType)23, // at::ScalarType::Float8_e5m2
        ElementType.I64 => ScalarType.Int64,
        ElementType.I32 => ScalarType.Int32,
        ElementType.I16 => ScalarType.Int16,
        ElementType.I8 => ScalarType.Int8,
        ElementType.U8 => ScalarType.Byte,
        ElementType.Bool => ScalarType.Bool,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Called when torch lets go of the tensor: the memory belongs to someone else.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void KeepMemory(nint address)
    {
    }
}
