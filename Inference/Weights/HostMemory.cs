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
    public static Tensor AsTensor(void* address, ReadOnlySpan<long> shape, ScalarType dtype)
    {
        var create = (delegate* unmanaged[Cdecl]<void*, delegate* unmanaged[Cdecl]<nint, void>, long*, int, sbyte, sbyte, int, int, byte, nint>)
            TorchNative.BindingExport("THSTensor_new");
        fixed (long* dimensions = shape)
        {
            const int cpu = 0, anyIndex = -1;
            var handle = create(address, &KeepMemory, dimensions, shape.Length, (sbyte)dtype, (sbyte)dtype, cpu, anyIndex, 0);
            if (handle == 0)
            {
                CheckForErrors();
            }

            return Tensor.UnsafeCreateTensor(handle);
        }
    }

    /// <summary>Called when torch lets go of the tensor: the memory belongs to someone else.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void KeepMemory(nint address)
    {
    }
}
