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

    [LibraryImport("libcuda.so.1")]
    private static partial int cuDeviceGetName([Out] byte[] name, int length, int device);
}
