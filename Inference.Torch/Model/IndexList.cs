using static TorchSharp.torch;

namespace Emu3.Inference.Model;

/// <summary>Index tensors of a pass, sent to the device in one piece.</summary>
internal sealed class IndexList
{
    private readonly List<long> values = [];
    private Tensor? sent;

    /// <summary>Adds indices.</summary>
    /// <returns>Where they are; for <see cref="At"/>.</returns>
    public Range Add(IEnumerable<long> indices)
    {
        var start = values.Count;
        values.AddRange(indices);
        return start..values.Count;
    }

    /// <summary>Sends all that was added.</summary>
    public void Send(HostLink link) => sent = link.Send([.. values]);

    /// <summary>A view of indices that were sent; int64 [count]</summary>
    public Tensor At(Range range) => sent!.narrow(0, range.Start.Value, range.End.Value - range.Start.Value);
}
