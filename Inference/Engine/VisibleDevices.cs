namespace Emu3.Inference.Engine;

/// <summary>The devices of this machine that an engine can be put on.</summary>
public static class VisibleDevices
{
    private const string Cpu = "cpu";

    /// <summary>
    /// Every NVIDIA device that the driver shows this process (it honours <c>CUDA_VISIBLE_DEVICES</c>, and counts from 0 among those) where this
    /// program has kernels for them; else the processor. Loads no libtorch and makes no context on a device.
    /// </summary>
    public static IReadOnlyList<string> List() => Accelerator.Installed is { HasCuda: true } && CudaDriver.DeviceCount() is > 0 and var count
        ? [.. Enumerable.Range(0, count).Select(index => $"cuda:{index}")]
        : [Cpu];

    /// <summary>NVIDIA devices that the driver shows and this program has no kernels for.</summary>
    public static int UnusableCount => Accelerator.Installed is { HasCuda: true } ? 0 : CudaDriver.DeviceCount();
}
