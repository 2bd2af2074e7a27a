using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Engine;
using Emu3.Inference.Model;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Cpu;

/// <summary>Puts the decoder of a checkpoint on the processor.</summary>
internal static class CpuDecoder
{
    /// <summary>Reads no weights but norms and biases: matrices are mapped, and read when they are first used.</summary>
    /// <param name="files">Must outlive the decoder.</param>
    /// <param name="config">Of the checkpoint.</param>
    /// <param name="options">Threads and slots.</param>
    /// <param name="kernels">Null for this machine's fastest.</param>
    /// <exception cref="CheckpointException">A tensor is missing or of another shape or type.</exception>
    /// <exception cref="InvalidOperationException">There is no memory for a slot.</exception>
    public static LoadedDecoder Load(CheckpointFiles files, Emu3Config config, EngineOptions options, ICpuKernels? kernels = null)
    {
        var transformer = config.Transformer;
        var positions = SlotBudget.Positions(options, transformer.MaxPositions);
        var slotCount = SlotBudget.Count(options, CpuKvCache.SlotBytes(transformer, positions), DeviceFacts.FreeBytes("cpu") - files.ByteCount);
        var reader = new CpuWeightReader(files);
        try
        {
            var weights = CpuTransformerWeights.Take(reader, transformer);
            var cache = new CpuKvCache(transformer, slotCount, positions);
            var threads = new CpuThreads(
                kernels ?? CpuKernels.Fastest, options.Threads == 0 ? Environment.ProcessorCount : options.Threads,
                transformer.HeadCount / transformer.KeyValueHeadCount, cache.HeadDim);
            var model = new CpuModel(transformer, config.Tokens, weights, cache, threads);
            return new LoadedDecoder(
                new CpuModelRunner(model, config.Tokens.VisualCount, transformer.VocabularySize), slotCount,
                new NumericClass($"emu3 cpu {CpuModel.Algorithm}; float32; weights {files.WeightsHash}", RowInvariant: true),
                model, threads, cache, reader);
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }
}
