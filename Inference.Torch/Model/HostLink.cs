using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>
/// Everything that goes between the host and the device while a step runs: numbers that a pass needs, and what was drawn. Nothing else in a step may read a
/// tensor on the host, because that waits for all work that was queued before.
/// </summary>
/// <param name="device">Of the model.</param>
public sealed class HostLink(Device device)
{
    /// <summary>Tensors sent to the device; the host does not wait for them.</summary>
    public long SentCount { get; private set; }

    /// <summary>Bytes sent.</summary>
    public long SentBytes { get; private set; }

    /// <summary>Tensors fetched: so often the host waited.</summary>
    public long ReceivedCount { get; private set; }

    /// <summary>Bytes fetched.</summary>
    public long ReceivedBytes { get; private set; }

    /// <summary>Sends numbers. On a device of its own they go through pinned memory, whose reuse libtorch delays until the copy is done.</summary>
    public Tensor Send(long[] values) => Send(from_array(values), values.Length * sizeof(long));

    /// <summary>Sends numbers.</summary>
    public Tensor Send(double[] values) => Send(from_array(values), values.Length * sizeof(double));

    /// <summary>Waits for the device, and fetches float32 numbers.</summary>
    public float[] Receive(Tensor values)
    {
        var fetched = MemoryMarshal.Cast<byte, float>(values.cpu().contiguous().bytes).ToArray();
        ReceivedCount++;
        ReceivedBytes += fetched.Length * sizeof(float);
        return fetched;
    }

    private Tensor Send(Tensor values, long bytes)
    {
        SentCount++;
        SentBytes += bytes;
        return device.type == TorchSharp.DeviceType.CPU ? values : values.pin_memory().to(device, non_blocking: true);
    }
}
