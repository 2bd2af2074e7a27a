using Emu3.Inference.Engine;
using Emu3.Inference.Model;
using Emu3.Inference.Tokens;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Memory;

/// <summary>Says what a load will take, and refuses one that can't fit, from the configuration and the headers of the weight files: before anything is read.</summary>
public static class LoadForecast
{
    /// <summary>The forecast for an engine.</summary>
    /// <param name="options">Which checkpoint, where, and how many slots.</param>
    /// <param name="availableBytes">That the engine may take.</param>
    /// <exception cref="CheckpointException">The checkpoint is broken.</exception>
    /// <exception cref="InvalidOperationException">The number of slots is left open, and there is no room for one.</exception>
    public static MemoryForecast Read(EngineOptions options, long availableBytes)
    {
        var folder = ModelFolder.Open(options.Model, options.Vision);
        var config = ConfigReader.Read(folder);
        using var files = CheckpointFiles.Open(folder);
        return Of(files, config, options, UsesOf(options, canChat: ChatTemplate.Read(folder) is not null), availableBytes);
    }

    /// <summary>
    /// Bytes that an engine may take on its device, before it loads. Of a CUDA device all there is: what others hold there is known only once it is used.
    /// Where there is no such device, no limit: whoever loads says so.
    /// </summary>
    /// <param name="device"><c>cpu</c> or <c>cuda:N</c></param>
    public static long AvailableBytes(string device) => device == "cpu" ? MachineMemory.Read().AvailableBytes : CudaDriver.TotalBytes(device) ?? long.MaxValue;

    /// <summary>What an engine will be used for.</summary>
    /// <param name="options">Its capabilities.</param>
    /// <param name="canChat">Whether the checkpoint has a chat template.</param>
    internal static ModelUses UsesOf(EngineOptions options, bool canChat) => new(options.Serves(EngineOptions.Images), canChat && options.Serves(EngineOptions.Chat));

    internal static MemoryForecast Of(CheckpointFiles files, Emu3Config config, EngineOptions options, ModelUses uses, long availableBytes)
    {
        var weights = WeightSizes.Of(files.Tensors);
        return options.Device == "cpu"
            ? CpuMemory.Forecast(config, weights, options, uses, availableBytes)
            : CudaMemory.Forecast(config, weights, options, uses, availableBytes);
    }

    /// <summary>The forecast, where it fits.</summary>
    /// <exception cref="InvalidOperationException">It does not; the message has the numbers and the remedy.</exception>
    internal static MemoryForecast Require(CheckpointFiles files, Emu3Config config, EngineOptions options, ModelUses uses, string model)
    {
        var available = AvailableBytes(options.Device);
        var forecast = Of(files, config, options, uses, available);
        return forecast.Shortage(available, model) is { } shortage ? throw new InvalidOperationException(shortage) : forecast;
    }
}
