using Emu3.Inference.Model;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Engine;

/// <summary>Devices that TorchSharp drives. <see cref="Accelerator"/> finds this class by its name.</summary>
internal sealed class TorchAccelerator : IAccelerator
{
    public bool HasCuda => TorchNative.HasCuda;

    public string Describe() => TorchNative.Describe();

    public LoadedBackend Load(CheckpointFiles files, Emu3Config config, EngineOptions options, Action<LoadStage> stage)
    {
        if (options.Device != "cpu")
            RequireDevice(options.Device);
        return TorchBackend.Load(files, config, options, stage);
    }

    /// <summary>What TorchSharp says where there is no such device names neither the cause nor a remedy.</summary>
    private static void RequireDevice(string device)
    {
        TorchNative.EnsureLoaded();
        var count = CudaDriver.DeviceCount();
        if (!TorchNative.HasCuda)
            throw new InvalidOperationException($"The device {device} can't be used: the libtorch in {TorchNative.Folder} has no kernels for NVIDIA devices. Build with the property Accelerator=cuda, or set {TorchNative.FolderVariable} to the lib folder of a libtorch for CUDA.");
        if (count == 0)
            throw new InvalidOperationException($"The device {device} can't be used: this process sees no NVIDIA device. `nvidia-smi` tells whether the driver runs; CUDA_VISIBLE_DEVICES may hide devices; a container needs the NVIDIA runtime.");
        if (DeviceFacts.IndexOf(device) >= count)
            throw new InvalidOperationException($"The device {device} can't be used: this process sees {count} NVIDIA device{(count == 1 ? "" : "s")}, counted from cuda:0.");
    }
}
