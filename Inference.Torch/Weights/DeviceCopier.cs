using TorchSharp;
using static TorchSharp.torch;

namespace Emu3.Inference.Weights;

/// <summary>
/// Copies host tensors into tensors of one device, converting their type on the way. To CUDA it goes through two pinned buffers:
/// while the device fetches one, the next piece is converted into the other. Use and dispose of it on the thread that owns the device.
/// </summary>
internal sealed class DeviceCopier(Device device) : IDisposable
{
    private const long StagingBytes = 64 << 20;
    private readonly Dictionary<ScalarType, Tensor[]> staging = [];
    private int next;

    /// <summary>Fills <paramref name="target"/>, contiguous and on the device, from <paramref name="source"/>, contiguous on the host, element by element.</summary>
    public void Copy(Tensor source, Tensor target)
    {
        if (device.type != DeviceType.CUDA)
        {
            target.copy_(source);
            return;
        }

        using var from = source.view(-1);
        using var to = target.view(-1);
        var elementSize = to.element_size();
        for (long at = 0, count; at < from.numel(); at += count)
        {
            count = Math.Min(StagingBytes / elementSize, from.numel() - at);
            using var piece = from.narrow(0, at, count);
            using var place = to.narrow(0, at, count);
            CopyPiece(piece, place);
        }
    }

    private void CopyPiece(Tensor piece, Tensor place)
    {
        using var pinned = Staging(place.dtype)[next].narrow(0, 0, piece.numel());
        pinned.copy_(piece);

        // The other buffer's copy has run meanwhile; it must be over before that buffer is filled again.
        cuda.synchronize(device);
        place.copy_(pinned, nonBlocking: true);
        next = 1 - next;
    }

    /// <summary>The two buffers of a type, made when it is first met: a checkpoint needs one type, or two.</summary>
    private Tensor[] Staging(ScalarType dtype)
    {
        if (!staging.TryGetValue(dtype, out var buffers))
        {
            staging[dtype] = buffers = [Pinned(dtype), Pinned(dtype)];
        }

        return buffers;
    }

    private static Tensor Pinned(ScalarType dtype)
    {
        using var element = empty(1, dtype: dtype);
        using var pageable = empty(StagingBytes / element.element_size(), dtype: dtype);
        return pageable.pin_memory().DetachFromDisposeScope();
    }

    public void Dispose()
    {
        if (staging.Count > 0)
        {
            cuda.synchronize(device);
        }

        foreach (var buffer in staging.Values.SelectMany(buffers => buffers))
        {
            buffer.Dispose();
        }
    }
}
