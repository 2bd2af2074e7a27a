using Emu3.Inference.Cpu.Kernels;
using Emu3.Inference.Cpu.Vision;
using Emu3.Inference.Engine;
using Emu3.Inference.Model;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Cpu;

/// <summary>Puts a checkpoint on the processor. Loads no native library.</summary>
internal static class CpuBackend
{
    /// <summary>Reads little: large matrices are mapped, and read when they are first used.</summary>
    /// <param name="files">Must outlive the backend.</param>
    /// <param name="config">Of the checkpoint.</param>
    /// <param name="options">Threads and slots.</param>
    /// <param name="slots">As many as the forecast says; null for the options' own number, which must be there.</param>
    /// <param name="kernels">Null for this machine's fastest.</param>
    /// <exception cref="CheckpointException">A tensor is missing or of another shape or type.</exception>
    public static LoadedBackend Load(CheckpointFiles files, Emu3Config config, EngineOptions options, int? slots = null, ICpuKernels? kernels = null)
    {
        NativeHeap.ReturnLargeBlocks(); // before the first buffer is made
        var (transformer, parts) = (config.Transformer, new Stack<IDisposable>());
        try
        {
            var positions = SlotBudget.Positions(options, transformer.MaxPositions);
            var slotCount = slots ?? options.SlotCount;
            var reader = Own(new CpuWeightReader(files));
            var weights = CpuTransformerWeights.Take(reader, transformer);
            var cache = Own(new CpuKvCache(transformer, slotCount, positions));
            CpuThreads Threads(int count) =>
                Own(new CpuThreads(kernels ?? CpuKernels.Fastest, count, transformer.HeadCount / transformer.KeyValueHeadCount, cache.HeadDim));
            var threads = Threads(options.ThreadCount);
            var model = Own(new CpuModel(transformer, config.Tokens, weights, cache, threads));
            var vision = Own(new CpuVisionTokenizer(reader, config.Vision, config.Pixels, threads));
            var pictureThreads = options.PictureThreadCount == 0 ? null : new CpuPictureThreads(vision, Threads(options.PictureThreadCount), threads);
            return new LoadedBackend(
                new CpuModelRunner(model, threads, config.Tokens, transformer.VocabularySize), vision, slotCount,
                new NumericClass($"emu3 cpu {CpuModel.Algorithm}; float32; weights {files.WeightsHash}", RowInvariant: true), [.. parts], pictureThreads: pictureThreads);
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
}
