using Emu3.Inference.Engine;
using Emu3.Inference.Vision;
using Emu3.Inference.Weights;
using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>Puts a checkpoint on a device that TorchSharp drives, and tests whether its kernels are row-invariant there.</summary>
internal static class TorchBackend
{
    /// <param name="files">The checkpoint; may be closed afterwards.</param>
    /// <param name="config">Of the checkpoint.</param>
    /// <param name="options">Device, type and slots.</param>
    /// <param name="stage">Gets a few words at the start of each stage, and how much of the weights is loaded.</param>
    /// <exception cref="CheckpointException">A tensor is missing or of another shape.</exception>
    /// <exception cref="InvalidOperationException">The options do not fit the device.</exception>
    public static LoadedBackend Load(CheckpointFiles files, Emu3Config config, EngineOptions options, Action<LoadStage> stage)
    {
        var parts = new Stack<IDisposable>();
        try
        {
            Own(new TorchThread()); // before anything of torch is used
            var (transformer, dtype, target) = (config.Transformer, Dtype(options), device(options.Device));
            set_num_threads(options.Threads == 0 ? Environment.ProcessorCount : options.Threads);
            using var loader = new WeightLoader(files, target) { OnLoaded = share => stage(new("loading weights", share)) };
            var model = Own(new Emu3Model(transformer, config.Tokens, TransformerWeights.Load(loader, transformer, dtype), Emu3Model.Linear));
            var vision = Own(VisionTokenizer.Load(loader, config.Vision, config.Pixels));

            var verdict = options.RowInvariance ? new InvarianceStore(options.DataFolder).FindOrTest(Conditions(config, options, dtype), () =>
            {
                stage("testing row invariance");
                return RowInvariance.FindFloor(model);
            }) : null;
            var floor = verdict?.Floor;

            stage("allocating slots");
            var positions = SlotBudget.Positions(options, transformer.MaxPositions);
            var slots = SlotBudget.Count(options, KvCache.SlotBytes(transformer, positions, dtype), DeviceFacts.FreeBytes(options.Device));
            var cache = Own(new KvCache(transformer, transformer.LayerCount, slots, positions, dtype, target));
            return new LoadedBackend(
                new TorchModelRunner(model, cache, config.Tokens, floor ?? 1), vision, slots,
                new NumericClass(
                    $"emu3 {typeof(IEngine).Module.ModuleVersionId:N}, {typeof(TorchBackend).Module.ModuleVersionId:N}; libtorch {TorchNative.Version}; {DeviceFacts.Describe(options.Device)}; "
                    + $"{dtype.ToString().ToLowerInvariant()}; {get_num_threads()} threads; floor {(floor is { } rows ? $"{rows}" : "none")}; weights {files.WeightsHash}",
                    floor is not null), [.. parts], () => TorchThread.LiveTensorCount)
            { SelfTest = verdict?.Origin };
        }
        catch
        {
            foreach (var part in parts)
                part.Dispose();
            throw;
        }

        T Own<T>(T part) where T : IDisposable
        {
            parts.Push(part);
            return part;
        }
    }

    /// <summary>All that the verdict of the self-test depends on. Kernels are chosen by shapes and types, not by the weights' values.</summary>
    private static string Conditions(Emu3Config config, EngineOptions options, ScalarType dtype)
    {
        var decoder = config.Transformer;
        return $"test {RowInvariance.Version}; emu3 {typeof(IEngine).Module.ModuleVersionId:N}, {typeof(TorchBackend).Module.ModuleVersionId:N}; libtorch {TorchNative.Version}; "
            + $"{DeviceFacts.Describe(options.Device)}; driver {(options.Device == "cpu" ? "none" : CudaDriver.Version())}; {dtype.ToString().ToLowerInvariant()}; {get_num_threads()} threads; "
            + $"hidden {decoder.HiddenSize}, intermediate {decoder.IntermediateSize}, heads {decoder.HeadCount}/{decoder.KeyValueHeadCount} of {decoder.HeadDim}, "
            + $"vocabulary {decoder.VocabularySize}, visual {config.Tokens.VisualCount}, positions {decoder.MaxPositions}, "
            + $"biases {(decoder.AttentionBias ? 1 : 0)}{(decoder.MlpBias ? 1 : 0)}";
    }

    private static ScalarType Dtype(EngineOptions options) =>
        options.Device == "cpu" || options.Dtype == "float32" ? ScalarType.Float32 : ScalarType.BFloat16;
}
