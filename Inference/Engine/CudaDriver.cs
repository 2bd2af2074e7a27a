using System.Runtime.InteropServices;
using System.Text;

namespace Emu3.Inference.Engine;

/// <summary>What TorchSharp does not tell about a CUDA device, asked of the driver itself. The thread must have used the device before.</summary>
internal static partial class CudaDriver
{
    /// <summary>Bytes that nobody has allocated.</summary>
    public static long FreeBytes()
    {
        Check(cuMemGetInfo_v2(out var free, out _));
        return (long)free;
    }

    /// <summary>Devices that this process may use; none where there is no driver. Needs no device to have been used.</summary>
    public static int DeviceCount()
    {
        try
        {
            return cuInit(0) == 0 && cuDeviceGetCount(out var count) == 0 ? count : 0;
        }
        catch (DllNotFoundException)
        {
            return 0; // no driver on this machine
        }
    }

    /// <summary>Bytes of a device's memory; null where there is no driver or no such device. Needs no device to have been used.</summary>
    /// <param name="device"><c>cuda:N</c></param>
    public static long? TotalBytes(string device)
    {
        try
        {
            return cuInit(0) == 0 && cuDeviceGet(out var handle, DeviceFacts.IndexOf(device)) == 0 && cuDeviceTotalMem_v2(out var bytes, handle) == 0 ? (long)bytes : null;
        }
        catch (DllNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The maker's name of a device.</summary>
    public static string Name(int index)
    {
        var name = new byte[256];
        Check(cuDeviceGet(out var device, index));
        Check(cuDeviceGetName(name, name.Length, device));
        return Encoding.UTF8.GetString(name.AsSpan(0, Array.IndexOf(name, (byte)0)));
    }

    /// <summary>
    /// The UUID of a device as <c>nvidia-smi -L</c> prints it: <c>GPU-…</c>, or <c>MIG-…</c> of a part of one. Null where there is no driver or no such device.
    /// Needs no device to have been used, and honours <c>CUDA_VISIBLE_DEVICES</c>.
    /// </summary>
    /// <param name="device"><c>cuda:N</c></param>
    public static string? Uuid(string device)
    {
        try
        {
            var (own, whole) = (new byte[16], new byte[16]);
            return cuInit(0) == 0 && cuDeviceGet(out var handle, DeviceFacts.IndexOf(device)) == 0 && cuDeviceGetUuid_v2(own, handle) == 0 && cuDeviceGetUuid(whole, handle) == 0
                ? FormatUuid(own, whole)
                : null;
        }
        catch (DllNotFoundException)
        {
            return null;
        }
    }

    /// <summary>A UUID in NVIDIA's form.</summary>
    /// <param name="own">Of the device that a process uses.</param>
    /// <param name="whole">Of the GPU that it is, or is a part of.</param>
    internal static string FormatUuid(ReadOnlySpan<byte> own, ReadOnlySpan<byte> whole) =>
        $"{(own.SequenceEqual(whole) ? "GPU" : "MIG")}-{new Guid(own, bigEndian: true)}";

    /// <summary>The driver's version: 1000 · major + 10 · minor of the CUDA that it supports.</summary>
    public static int Version()
    {
        Check(cuDriverGetVersion(out var version));
        return version;
    }

    private static void Check(int result)
    {
        if (result != 0)
            throw new InvalidOperationException($"The CUDA driver answered with error {result}.");
    }

    [LibraryImport("libcuda.so.1")]
    private static partial int cuInit(uint flags);

    [LibraryImport("libcuda.so.1")]
    private static partial int cuDriverGetVersion(out int version);

    [LibraryImport("libcuda.so.1")]
    private static partial int cuDeviceGetCount(out int count);

    [LibraryImport("libcuda.so.1")]
    private static partial int cuMemGetInfo_v2(out nuint free, out nuint total);

    [LibraryImport("libcuda.so.1")]
    private static partial int cuDeviceTotalMem_v2(out nuint bytes, int device);

    [LibraryImport("libcuda.so.1")]
    private static partial int cuDeviceGet(out int device, int ordinal);

    // From a driver of 2021 on, of a part of a GPU (MIG) the part's; before, and without _v2, the whole GPU's.
    [LibraryImport("libcuda.so.1")]
    private static partial int cuDeviceGetUuid_v2([Out] byte[] uuid, int device);

    [LibraryImport("libcuda.so.1")]
    private static partial int cuDeviceGetUuid([Out] byte[] uuid, int device);

    [LibraryImport("libcuda.so.1")]
    private static partial int cuDeviceGetName([Out] byte[] name, int length, int device);
}
