using Emu3.Inference.Vision;

namespace Emu3.Inference.Engine;

/// <summary>A checkpoint's decoder and vision tokenizer on their device, with slots.</summary>
/// <param name="runner">Runs the decoder's steps.</param>
/// <param name="vision">Reads and makes pictures.</param>
/// <param name="slotCount">Sequences at once.</param>
/// <param name="numericClass">Within which tokens are equal, bit for bit.</param>
/// <param name="parts">What it is made of, the first to be disposed of first.</param>
/// <param name="liveTensorCount">Counts the native tensors of the calling thread; null where there are none.</param>
/// <param name="pictureThreads">For pictures beside the passes, on any one thread; null where pictures are computed between passes, on the thread that owns the device.</param>
internal sealed class LoadedBackend(
    IModelRunner runner, IVisionTokenizer vision, int slotCount, NumericClass numericClass, IReadOnlyList<IDisposable> parts,
    Func<long>? liveTensorCount = null, IPictureThreads? pictureThreads = null) : IDisposable
{
    /// <summary>What the self-test of row invariance found, and where that is known from; null where there is none.</summary>
    public string? SelfTest { get; init; }

    public IModelRunner Runner => runner;

    public IVisionTokenizer Vision => vision;

    /// <summary>For pictures beside the passes; null where they are computed between passes.</summary>
    public IPictureThreads? PictureThreads => pictureThreads;

    public int SlotCount => slotCount;

    public NumericClass NumericClass => numericClass;

    /// <summary>Native tensors of the calling thread, which is the one that owns the device.</summary>
    public long LiveTensorCount => liveTensorCount?.Invoke() ?? 0;

    public void Dispose()
    {
        foreach (var part in parts)
            part.Dispose();
    }
}
