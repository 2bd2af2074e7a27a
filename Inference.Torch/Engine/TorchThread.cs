using Emu3.Inference.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Emu3.Inference.Engine;

/// <summary>What TorchSharp needs on the thread that owns its device: the native library loaded, and inference mode on.</summary>
internal sealed class TorchThread : IDisposable
{
    private readonly IDisposable inference;

    public TorchThread()
    {
        TorchNative.EnsureLoaded();
        inference = inference_mode();
    }

    /// <summary>Native tensors of the calling thread.</summary>
    public static long LiveTensorCount => DisposeScopeManager.Statistics.ThreadTotalLiveCount;

    public void Dispose() => inference.Dispose();
}
