using Emu3.Inference.Weights;
using static TorchSharp.torch;

namespace Emu3.Inference.Vision;

/// <summary>
/// The vision tokenizer's tensors in float32, under the names of the original checkpoint. Owns every tensor it hands out: they live until it is disposed of,
/// whatever scopes come and go.
/// </summary>
/// <param name="loader">The checkpoint.</param>
/// <param name="channelsLast">
/// How kernels of convolutions, and so the pictures between them, lie in memory: channels innermost, or width innermost as the reference has it.
/// </param>
internal sealed class VisionWeights(WeightLoader loader, bool channelsLast) : IDisposable
{
    private const string Prefix = "vision.";

    private readonly List<Tensor> owned = [];

    public bool ChannelsLast => channelsLast;

    /// <summary>A tensor of the checkpoint.</summary>
    public Tensor Load(string name, params ReadOnlySpan<long> shape) => Keep(loader.Load(Prefix + name, shape, ScalarType.Float32));

    /// <summary>The kernel of a two-dimensional convolution.</summary>
    public Tensor LoadKernel(string name, long outChannels, long inChannels, long size) =>
        KeepKernel(loader.Load(Prefix + name, [outChannels, inChannels, size, size], ScalarType.Float32));

    /// <summary>Takes over a tensor.</summary>
    public Tensor Keep(Tensor tensor)
    {
        owned.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }

    /// <summary>Takes over a kernel [out, in, height, width] and lays it out as this device's convolutions want it.</summary>
    public Tensor KeepKernel(Tensor kernel)
    {
        if (!channelsLast)
            return Keep(kernel);
        using (kernel)
            return Keep(kernel.InChannelsLast());
    }

    public void Dispose()
    {
        foreach (var tensor in owned)
            tensor.Dispose();
        owned.Clear();
    }
}
